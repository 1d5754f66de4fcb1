"""A corpus as one run reads it: word ids, word vectors, and which sentences are held out."""

from dataclasses import dataclass, replace

import numpy as np

from aecore.datasets.registry import with_version
from aecore.datasets.text.corpus import Corpus, Progress
from aecore.datasets.text.glove import have_glove
from aecore.datasets.text.library import load_corpus
from aecore.datasets.text.vectors import WordVectors, word_vectors
from aecore.datasets.text.vocabulary import Vocabulary, sentence_ids
from aecore.errors import BadInput
from aecore.schema import RunConfig
from aecore.schema.sentence import Sentence
from aecore.settings import Settings

SPLIT_SEED = 40_000
LEAST = 10  # sentences to train on, and sentences to measure


@dataclass(frozen=True, eq=False)
class Text:
    """A corpus with a run's vocabulary. The arrays are shared by all who load it, and read-only.

    Attributes:
        corpus: the sentences.
        vocabulary: the words that are told apart.
        vectors: theirs.
        ids: uint16 [n, length], the sentences as numbers, padded with 0 at the end.
        train: int64, positions of the sentences to train on.
        test: int64, positions of those held out: the same in every run that splits alike.
    """

    corpus: Corpus
    vocabulary: Vocabulary
    vectors: WordVectors
    ids: np.ndarray
    train: np.ndarray
    test: np.ndarray


def text_of(config: RunConfig, settings: Settings, progress: Progress | None = None) -> Text:
    """The corpus of a run.

    Raises:
        BadInput: it has too few sentences or words, or its vectors are damaged.
        DataMissing: corpus or vectors are not on this machine, or cannot be read.
    """
    hyper = config.hyper
    assert isinstance(hyper, Sentence)
    corpus = load_corpus(config.dataset, settings, progress)
    vocabulary = Vocabulary.of(corpus, hyper.vocabulary)
    chosen = resolved(config, settings).hyper
    assert isinstance(chosen, Sentence)
    assert chosen.vectors != "auto"
    vectors = word_vectors(
        chosen.vectors, corpus, vocabulary, hyper.vector_size, hyper.missing, hyper.seed, settings, progress
    )
    train, test = split(corpus, hyper.split, hyper.held_out_share)
    if min(len(train), len(test)) < LEAST:
        raise BadInput(
            f"{corpus.title} has {len(corpus)} sentences, and {len(test)} of them would be held out: at least {LEAST} "
            "are needed to train on and to measure; use a longer text, or another held_out_share."
        )
    return Text(corpus, vocabulary, vectors, sentence_ids(corpus, vocabulary, hyper.length), train, test)


def split(corpus: Corpus, by: str, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the sentences to train on and of those held out, int64, in random order.

    Args:
        corpus: the sentences.
        by: "sentences", or "documents" for whole ones.
        share: of the sentences that are held out.
    """
    order = np.random.default_rng(SPLIT_SEED).permutation(len(corpus))
    if by == "sentences":
        cut = round(share * len(order))
        return order[cut:], order[:cut]
    sizes = np.bincount(corpus.documents)
    shuffled = np.random.default_rng(SPLIT_SEED + 1).permutation(len(sizes))
    held = np.zeros(len(sizes), bool)
    held[shuffled[: int(np.searchsorted(np.cumsum(sizes[shuffled]), share * len(order)))]] = True
    inside = held[corpus.documents[order]]
    return order[~inside], order[inside]


def resolved(config: RunConfig, settings: Settings) -> RunConfig:
    """The same run with the version of its corpus, and the word vectors that `auto` stands for on this machine."""
    config = replace(config, dataset=with_version(config.dataset))
    hyper = config.hyper
    if not isinstance(hyper, Sentence) or hyper.vectors != "auto":
        return config
    found = "glove" if have_glove(hyper.vector_size, settings) else "corpus"
    return replace(config, hyper=hyper.model_copy(update={"vectors": found}))
