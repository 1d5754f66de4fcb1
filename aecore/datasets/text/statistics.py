"""What a corpus holds, in figures: sentences, their lengths, words, and how much of the text a vocabulary covers."""

from typing import Any

import numpy as np

from aecore.datasets.text.corpus import Corpus
from aecore.datasets.text.vocabulary import RESERVED


def corpus_statistics(corpus: Corpus, vocabulary: int = 5000) -> dict[str, Any]:
    """Statistics of a corpus.

    Args:
        corpus: the corpus.
        vocabulary: number of words, PAD and UNK among them, for which `coverage` is computed.

    Returns:
        `sentences`, `characters_min`, `characters_max`, `characters_mean` and `characters_median` (of a sentence),
        `words` (distinct), `tokens` (all), `coverage` (share of the tokens that are among the most frequent
        `vocabulary` - 2 words, 0 to 1), `documents`, `topics`, `tokens_median` (of a sentence).
    """
    characters, tokens = corpus.sentences.characters(), lengths(corpus)
    return {
        "sentences": len(corpus),
        "characters_min": int(characters.min()),
        "characters_max": int(characters.max()),
        "characters_mean": float(characters.mean()),
        "characters_median": float(np.median(characters)),
        "words": len(corpus.words),
        "tokens": len(corpus.token_ids),
        "coverage": float(corpus.counts[: max(0, vocabulary - RESERVED)].sum() / corpus.counts.sum()),
        "documents": len(corpus.topic_starts) - 1,
        "topics": len(corpus.topic_names),
        "tokens_median": float(np.median(tokens)),
    }


def coverage_curve(corpus: Corpus, points: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """How much of the text the most frequent words cover.

    Returns:
        Numbers of words int64 [p], from 1 to all in about equal ratios, and the share of tokens that so many of the
        most frequent words make up, float64 [p].
    """
    sizes = np.unique(np.geomspace(1, len(corpus.words), points).round().astype(np.int64))
    return sizes, np.cumsum(corpus.counts)[sizes - 1] / corpus.counts.sum()


def frequent_words(corpus: Corpus, n: int) -> list[tuple[str, int]]:
    """The n most frequent words, each with how often it occurs."""
    return list(zip(corpus.words[:n], corpus.counts[:n].tolist(), strict=True))


def lengths(corpus: Corpus) -> np.ndarray:
    """int64 [n]: number of tokens of each sentence."""
    return np.diff(corpus.starts)
