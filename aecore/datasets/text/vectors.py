"""The vectors that a model reads in place of words: GloVe's, or ones made from the corpus."""

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from aecore.datasets.text import cache, glove
from aecore.datasets.text.cooccurrence import GLOVE_SQUARE, corpus_vectors
from aecore.datasets.text.corpus import Corpus, Progress
from aecore.datasets.text.vocabulary import PAD, Vocabulary, word_ids
from aecore.errors import BadInput, DataMissing
from aecore.settings import Settings

Origin = Literal["glove", "corpus"]
Missing = Literal["zero", "random"]
FORMAT = 1  # raised when the same corpus gives other vectors


@dataclass(frozen=True, eq=False)
class WordVectors:
    """A vector for each word of a vocabulary. The arrays are read-only.

    Attributes:
        table: float32 [V, d]; the row of PAD is zero.
        known: bool [V], for which words the source has a vector; PAD and UNK have none.
        covered: share of the corpus's tokens whose word has a vector, 0 to 1.
        source: where the vectors are from, for a visitor.
    """

    table: np.ndarray
    known: np.ndarray
    covered: float
    source: str

    def __post_init__(self) -> None:
        for array in (self.table, self.known):
            array.setflags(write=False)


def word_vectors(
    origin: Origin,
    corpus: Corpus,
    vocabulary: Vocabulary,
    size: int,
    missing: Missing,
    seed: int,
    settings: Settings,
    progress: Progress | None = None,
) -> WordVectors:
    """The vectors of a vocabulary; what was read or computed is kept on disk.

    Args:
        origin: "glove" for published vectors, "corpus" for vectors made from the corpus.
        corpus: the corpus.
        vocabulary: its words.
        size: numbers a word.
        missing: words without a vector, UNK among them, get zeros, or random numbers that spread like the others.
        seed: start of these random numbers, at least 0.
        settings: where vectors and the cache lie.
        progress: called with the share that is done and what is being done.

    Raises:
        BadInput: the file of vectors is damaged, or the text has too few words for vectors of this size.
        DataMissing: there are no GloVe vectors of this size on this machine.
        StorageError: the cache cannot be written.
    """
    if missing not in ("zero", "random"):
        raise BadInput(f"Words without a vector get zero or random numbers; received '{missing}'.")
    report = progress or (lambda share, what: None)
    words = hashlib.sha256(vocabulary.pack().tobytes()).hexdigest()
    if origin == "glove":
        path = glove.glove_path(size, settings)
        if path is None:
            raise DataMissing(
                f"GloVe vectors of {size} numbers are not on this machine: put {glove.glove_file(size)} into "
                f"{settings.download_dir}, download it, or use vectors made from the text itself."
            )
        report(0.0, f"reading {path.name}")
        try:
            stat = path.stat()
        except OSError as error:
            raise DataMissing(f"{path} cannot be read ({error.strerror}): delete it and get it again.") from error
        key = cache.digest([f"glove {FORMAT}", words, str(path), str(stat.st_mtime_ns), str(stat.st_size)])
        source = f"GloVe ({path.name})"
    elif origin == "corpus":
        path, source = None, "this text itself: mutual information of neighbouring words, reduced by an SVD"
        key = cache.digest([f"corpus {FORMAT}", words, corpus.fingerprint, str(size)])
    else:
        raise BadInput(f"Word vectors are glove or corpus; received '{origin}'.")
    kept = settings.home / "cache" / "vectors" / f"{origin}-{size}-{key}.npz"
    found = _whole(cache.read(kept), len(vocabulary), size)
    if found is None:
        if path is None:
            found = corpus_vectors(corpus, vocabulary, size, report)
        else:
            found = glove.glove_vectors(path, vocabulary, size)
        cache.write(kept, {"table": found[0], "known": found[1]})
    report(1.0, "vectors are ready")
    table, known = found
    covered = float(corpus.counts[known[word_ids(corpus, vocabulary)]].sum() / corpus.counts.sum())
    return WordVectors(_filled(table, known, missing, seed), known, covered, source)


def _whole(arrays: dict[str, np.ndarray] | None, words: int, size: int) -> tuple[np.ndarray, np.ndarray] | None:
    """What was kept, if it is what should have been."""
    if arrays is None or set(arrays) != {"table", "known"}:
        return None
    table, known = arrays["table"], arrays["known"]
    if table.shape != (words, size) or table.dtype != np.float32 or known.shape != (words,) or known.dtype != bool:
        return None
    return table, known


def _filled(table: np.ndarray, known: np.ndarray, missing: Missing, seed: int) -> np.ndarray:
    """The table with rows for the words that have no vector."""
    if missing == "zero":
        return table
    drawn = np.random.default_rng(seed).standard_normal(table.shape, dtype=np.float32)
    # Where no word is known, GloVe's own spread.
    mean, spread = (table[known].mean(), table[known].std()) if known.any() else (0.0, np.sqrt(GLOVE_SQUARE))
    filled = np.where(known[:, None], table, drawn * spread + mean)
    filled[PAD] = 0
    return filled.astype(np.float32)
