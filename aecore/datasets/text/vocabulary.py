"""The words that a model knows, as numbers: padding, unknown, then the most frequent ones."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aecore.datasets.text import cache
from aecore.datasets.text.corpus import Corpus
from aecore.datasets.text.tokenizing import tokenize
from aecore.errors import BadInput

PAD, UNK = 0, 1
RESERVED = 2
MOST_WORDS = 65_536  # ids are uint16


@dataclass(frozen=True)
class Vocabulary:
    """Words by number.

    Attributes:
        words: "PAD", "UNK", then words of a corpus, most frequent first. Words are in lower case, so that none of
            them is taken for the first two.
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.words[:RESERVED] != ("PAD", "UNK") or len(set(self.words)) != len(self.words) > RESERVED:
            raise BadInput(
                f"A vocabulary begins with PAD and UNK and holds each word once; received {len(self.words)} words "
                f"that begin with {' and '.join(self.words[:RESERVED]) or 'none'}."
            )

    @classmethod
    def of(cls, corpus: Corpus, size: int) -> "Vocabulary":
        """The `size` - 2 most frequent words of a corpus; all where it has fewer.

        Raises:
            BadInput: `size` is not from 3 to 65,536.
        """
        if not RESERVED < size <= MOST_WORDS:
            raise BadInput(f"vocabulary takes a whole number from {RESERVED + 1} to {MOST_WORDS}; received '{size}'.")
        return cls(("PAD", "UNK", *corpus.words[: size - RESERVED]))

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def positions(self) -> dict[str, int]:
        """The number of each word."""
        return {word: position for position, word in enumerate(self.words)}

    def ids(self, sentence: str, length: int) -> np.ndarray:
        """The words of a sentence as numbers.

        Returns:
            uint16 [length]: cut to this length, or padded with 0 at the end; 1 for unknown words.
        """
        found = [self.positions.get(word, UNK) for word in tokenize(sentence)[:length]]
        ids = np.full(length, PAD, np.uint16)
        ids[: len(found)] = found
        return ids

    def pack(self) -> np.ndarray:
        """uint8: the words as UTF-8, for an .npz file."""
        return cache.as_bytes(self.words)

    @classmethod
    def unpack(cls, packed: np.ndarray) -> "Vocabulary":
        """Reads what `pack` wrote.

        Raises:
            BadInput: it is not a vocabulary.
        """
        try:
            words = cache.as_texts(packed)
        except ValueError as error:
            raise BadInput("The words of a vocabulary are damaged: they are not UTF-8.") from error
        return cls(words)


def sentence_ids(corpus: Corpus, vocabulary: Vocabulary, length: int) -> np.ndarray:
    """All sentences of a corpus as numbers.

    Returns:
        uint16 [n, length]: each cut to this length, or padded with 0 at the end; 1 for unknown words.
    """
    known = word_ids(corpus, vocabulary)
    starts, sizes = corpus.starts[:-1], np.minimum(np.diff(corpus.starts), length)
    ids = np.full((len(corpus), length), PAD, np.uint16)
    for place in range(min(length, int(sizes.max(initial=0)))):
        rows = np.flatnonzero(sizes > place)
        ids[rows, place] = known[corpus.token_ids[starts[rows] + place]]
    return ids


def word_ids(corpus: Corpus, vocabulary: Vocabulary) -> np.ndarray:
    """uint16 [w]: for each word of a corpus its number in a vocabulary, 1 where it is unknown."""
    positions = vocabulary.positions
    return np.array([positions.get(word, UNK) for word in corpus.words], np.uint16)
