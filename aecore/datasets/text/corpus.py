"""A corpus in memory: sentences, the documents and topics they belong to, and their words as numbers."""

import hashlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

import numpy as np

from aecore.datasets.text.tokenizing import Splitter, tokenize

Progress = Callable[[float, str], None]  # told the share that is done, from 0 to 1, and what is being done


class Document(NamedTuple):
    """What a source gives: the sentences of a document, and the names of its topics."""

    sentences: Iterable[str]
    topics: tuple[str, ...] = ()


class Sentences(Sequence[str]):
    """Strings kept as one stretch of UTF-8, a quarter of what a list of them takes.

    Args:
        blob: uint8 [bytes], one sentence after the other.
        starts: int64 [n + 1], where each begins, and the end of the last.
    """

    def __init__(self, blob: np.ndarray, starts: np.ndarray):
        self.blob, self.starts = blob, starts

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Sentences":
        blob, starts = bytearray(), array("q", [0])
        for text in texts:
            blob += text.encode("utf-8")
            starts.append(len(blob))
        return cls(np.frombuffer(bytes(blob), np.uint8), np.array(starts, np.int64))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        position = range(len(self))[index]
        return self.blob[self.starts[position] : self.starts[position + 1]].tobytes().decode("utf-8")

    def __iter__(self) -> Iterator[str]:
        return (self[i] for i in range(len(self)))

    def characters(self) -> np.ndarray:
        """int64 [n]: the length of each sentence in characters."""
        sizes = np.diff(self.starts)
        filled, counts = sizes > 0, np.zeros(len(self), np.int64)
        begins = (self.blob & 0xC0) != 0x80  # bytes that begin a character
        if filled.any():
            counts[filled] = np.add.reduceat(begins, self.starts[:-1][filled], dtype=np.int64)
        return counts


@dataclass(frozen=True, eq=False)
class Corpus:
    """Sentences with their words. The arrays are shared by all who load it, and read-only.

    Attributes:
        name: name of the dataset.
        title: name for a visitor.
        sentences: n strings.
        documents: int32 [n], the document of each sentence, from 0 on.
        topic_names: the topics, in the order of their first appearance.
        topic_ids: int32, positions in `topic_names`, document after document.
        topic_starts: int64 [documents + 1], where those of each document begin, and the end of the last.
        words: the distinct tokens, most frequent first; of equally frequent ones the first to appear.
        counts: int64 [w], how often each occurs.
        token_ids: int32 [tokens], positions in `words`, sentence after sentence.
        starts: int64 [n + 1], where the tokens of each sentence begin, and the end of the last.
        sentence_splitter: what split the text into sentences, for a visitor.
        fingerprint: hash of sentences, documents, topics and tokens.
    """

    name: str
    title: str
    sentences: Sentences
    documents: np.ndarray
    topic_names: tuple[str, ...]
    topic_ids: np.ndarray
    topic_starts: np.ndarray
    words: tuple[str, ...]
    counts: np.ndarray
    token_ids: np.ndarray
    starts: np.ndarray
    sentence_splitter: str
    fingerprint: str

    def __post_init__(self) -> None:
        for held in (self.sentences.blob, self.sentences.starts, self.documents, self.topic_ids, self.topic_starts,
                     self.counts, self.token_ids, self.starts):  # fmt: skip
            held.setflags(write=False)

    def __len__(self) -> int:
        return len(self.sentences)

    def topics_of(self, index: int) -> tuple[int, ...]:
        """The topics of a sentence, those of its document, as positions in `topic_names`."""
        document = self.documents[index]
        return tuple(self.topic_ids[self.topic_starts[document] : self.topic_starts[document + 1]].tolist())


def build(name: str, title: str, documents: Iterable[Document], splitter: Splitter, resplit: bool = False) -> Corpus:
    """Takes documents one after the other and numbers their words.

    Args:
        name: name of the dataset.
        title: name for a visitor.
        documents: with their sentences; a document without sentences counts as well.
        splitter: what split the sentences.
        resplit: cut words as NLTK's `word_tokenize` does, which splits each sentence once more before; this sets a
            full stop free in one sentence of ten thousand.
    """
    known: dict[str, int] = {}
    topics: dict[str, int] = {}
    blob, ends, owners = bytearray(), array("q", [0]), array("i")
    tokens, starts = array("i"), array("q", [0])
    topic_ids, topic_starts = array("i"), array("q", [0])
    for number, document in enumerate(documents):
        topic_ids.extend(topics.setdefault(topic, len(topics)) for topic in document.topics)
        topic_starts.append(len(topic_ids))
        for sentence in document.sentences:
            blob += sentence.encode("utf-8")
            ends.append(len(blob))
            owners.append(number)
            for piece in splitter.split(sentence) if resplit else (sentence,):
                tokens.extend([known.setdefault(word, len(known)) for word in tokenize(piece)])
            starts.append(len(tokens))
    ids = np.array(tokens, np.int32)
    counts = np.bincount(ids, minlength=len(known))
    order = np.argsort(-counts, kind="stable")
    position = np.empty(len(order), np.int32)
    position[order] = np.arange(len(order), dtype=np.int32)
    names = list(known)
    parts = {
        "documents": np.array(owners, np.int32),
        "topic_ids": np.array(topic_ids, np.int32),
        "topic_starts": np.array(topic_starts, np.int64),
        "token_ids": position[ids],
        "starts": np.array(starts, np.int64),
    }
    sentences = Sentences(np.frombuffer(bytes(blob), np.uint8), np.array(ends, np.int64))
    return Corpus(
        name=name,
        title=title,
        sentences=sentences,
        topic_names=tuple(topics),
        words=tuple(names[i] for i in order),
        counts=counts[order].astype(np.int64),
        sentence_splitter=splitter.words,
        fingerprint=_fingerprint(sentences, tuple(topics), list(parts.values())),
        **parts,
    )


def _fingerprint(sentences: Sentences, topics: tuple[str, ...], arrays: list[np.ndarray]) -> str:
    digest = hashlib.sha256("\n".join(topics).encode())
    for held in (sentences.blob, sentences.starts, *arrays):
        digest.update(held.tobytes())
    return digest.hexdigest()[:32]
