"""What the page Sentences asks: sentences as a run's model, the mean of word vectors and TF-IDF with SVD see them."""

import threading
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter

import numpy as np
from cachetools import LRUCache, cachedmethod

from aecore.analysis import projections
from aecore.analysis.similarity import LatentWords, WordMeans, cosine, nearest
from aecore.datasets.catalogue import PYTHON_DOCS
from aecore.datasets.text import Corpus, Vocabulary, as_texts, sentence_ids, tokenize
from aecore.datasets.text.prepared import split
from aecore.datasets.text.vocabulary import PAD
from aecore.errors import BadInput
from aecore.messages.jobs import DECODE, ENCODE
from aecore.runs.data import Data
from aecore.runs.runs import Runs
from aecore.schema import RunConfig

CODES, MEANS, LATENT = "codes", "means", "latent"
REPRESENTATIONS = {CODES: "Sentence autoencoder", MEANS: "Mean of word vectors", LATENT: "TF-IDF with SVD"}
SEARCHED = 10_000  # sentences at most
PAIRS = 500
Vectors = dict[str, np.ndarray]  # by the names above, float32 [n, d] each; without LATENT before a run has ended


@dataclass(frozen=True, eq=False)
class Reader:
    """Turns sentences into what a run's model and the baselines read.

    Attributes:
        vocabulary: the words by number.
        means: sentences as means of word vectors.
        latent: sentences by TF-IDF and SVD, or None before the run has ended.
        length: words of a sentence that are read.
        ends: whether the model ends the sentences that it writes.
    """

    vocabulary: Vocabulary
    means: WordMeans
    latent: LatentWords | None
    length: int
    ends: bool

    def ids(self, sentences: Sequence[str]) -> np.ndarray:
        """uint16 [n, length].

        Raises:
            BadInput: one of the sentences has no word.
        """
        found = np.stack([self.vocabulary.ids(sentence, self.length) for sentence in sentences])
        if (found == PAD).all(axis=1).any():
            raise BadInput("A sentence needs a word at least: type one.")
        return found

    def unknown(self, sentence: str) -> list[str]:
        """The words of a sentence that are not in the vocabulary, each once."""
        read = dict.fromkeys(tokenize(sentence)[: self.length])
        return [word for word in read if word not in self.vocabulary.positions]

    def left_out(self, sentence: str) -> int:
        """How many words at the end of a sentence are not read."""
        return max(0, len(tokenize(sentence)) - self.length)


@dataclass(frozen=True, eq=False)
class Searched:
    """Sentences among which neighbours are looked for.

    Attributes:
        texts: n sentences.
        topics: the names of the topics of each.
        vectors: the sentences in each representation.
        title: of their corpus.
        held_out: whether they are the run's own held-out ones; else the run's corpus is not here, or has changed.
        total: how many there were to choose from.
    """

    texts: list[str]
    topics: list[tuple[str, ...]]
    vectors: Vectors
    title: str
    held_out: bool
    total: int

    @cached_property
    def random_pairs(self) -> dict[str, float]:
        """Mean cosine of up to 500 pairs of different sentences, by representation."""
        order = np.random.default_rng(0).permutation(len(self.texts))
        half = min(PAIRS, len(order) // 2)
        first, second = order[:half], order[half : 2 * half]
        return {name: float(cosine(held[first], held[second]).mean()) for name, held in self.vectors.items()}


@dataclass(frozen=True)
class Neighbour:
    """A sentence that is near another, and how near."""

    sentence: str
    cosine: float
    topics: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Line:
    """What a model writes on the way from one code to another.

    Attributes:
        shares: how far each step has gone, float64 [steps] from 0 to 1.
        ids: the two sentences as the model reads them, uint16 [2, length].
        words: what it writes, int32 [steps, length], padded with 0.
        cosines: of what it writes with the vectors of these words, float32 [steps, length].
    """

    shares: np.ndarray
    ids: np.ndarray
    words: np.ndarray
    cosines: np.ndarray


@dataclass(frozen=True, eq=False)
class Map:
    """Held-out sentences in the plane.

    Attributes:
        places: float32 [n, 2].
        labels: uint8 [n], positions in `names`.
        names: of topics.
        texts: n sentences, or None where the corpus is not on this machine, or has changed since.
        shares: of the variance, by axis; empty for t-SNE.
    """

    places: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    texts: list[str] | None
    shares: tuple[float, ...]


class Sentences:
    """Explores sentence runs.

    Args:
        runs: runs and pretrained models, with their weights and results.
        data: the datasets.
    """

    def __init__(self, runs: Runs, data: Data):
        self._runs, self._data = runs, data
        self._readers: LRUCache[Hashable, Reader] = LRUCache(8)
        self._searched: LRUCache[Hashable, Searched] = LRUCache(3)
        self._maps: LRUCache[Hashable, Map] = LRUCache(16)
        self._reading, self._searching, self._mapping = (threading.Condition() for _ in range(3))

    @cachedmethod(attrgetter("_readers"), key=lambda self, name: self._key(name), condition=attrgetter("_reading"))
    def reader(self, name: str) -> Reader:
        """What turns sentences into numbers for a run.

        Raises:
            BadInput: there is no such run, or it has not begun.
            StorageError: what it keeps is damaged.
        """
        kept, hyper = self._runs.kept(name, "language"), self._runs.run(name).config.sentence_hyper
        if not kept:
            raise BadInput(f"{name} has not read its corpus yet: wait until its first step.")
        found = self._runs.kept(name, "baselines")
        latent = LatentWords(found["idf"], found["components"].astype(np.float32)) if found else None
        means = WordMeans(kept["table"].astype(np.float32))
        return Reader(Vocabulary.unpack(kept["words"]), means, latent, hyper.length, hyper.objective == "words")

    def similarity(self, name: str) -> dict[str, np.ndarray]:
        """The cosines that the scorecard was made from; see `aecore.training.sentence_score`. Empty before the end."""
        return self._runs.kept(name, "similarity")

    def vectors(self, name: str, ids: np.ndarray) -> Vectors:
        """Sentences in each representation.

        Args:
            name: the run.
            ids: [n, length], from its `reader`.

        Raises:
            BadInput: there are no weights yet, or its codes are not numbers.
            WorkerLost: the worker cannot be reached.
        """
        reader = self.reader(name)
        codes = self._runs.infer(name, ENCODE, ids=ids.astype(np.int32))["codes"]
        if not np.isfinite(codes).all():
            raise BadInput(f"The codes of {name} are not numbers, for its training diverged: choose another run.")
        found = {CODES: codes.astype(np.float32), MEANS: reader.means.encode(ids).astype(np.float32)}
        return found if reader.latent is None else found | {LATENT: reader.latent.encode(ids)}

    @cachedmethod(attrgetter("_searched"), key=lambda self, name: self._key(name), condition=attrgetter("_searching"))
    def searched(self, name: str) -> Searched:
        """Up to 10,000 of a run's held-out sentences, drawn at random; of Python's documentation where none are here.

        Raises:
            BadInput, WorkerLost: see `vectors`.
            DataMissing: the corpus cannot be read.
        """
        config, reader = self._runs.run(name).config, self.reader(name)
        corpus = self._corpus(config, reader)
        held_out = corpus is not None
        if corpus is None:
            corpus = self._data.corpus(PYTHON_DOCS)
            chosen = np.random.default_rng(0).permutation(len(corpus))
        else:
            chosen = split(corpus, config.sentence_hyper.split, config.sentence_hyper.held_out_share)[1]  # shuffled
        total, chosen = len(chosen), chosen[:SEARCHED]
        ids = sentence_ids(corpus, reader.vocabulary, reader.length)[chosen]
        read = np.flatnonzero(ids.any(axis=1))
        rows = chosen[read].tolist()
        topics = [tuple(corpus.topic_names[k] for k in corpus.topics_of(row)) for row in rows]
        texts = [corpus.sentences[row] for row in rows]
        return Searched(texts, topics, self.vectors(name, ids[read]), corpus.title, held_out, total)

    def neighbours(self, name: str, sentence: str, count: int = 5) -> dict[str, list[Neighbour]]:
        """The sentences nearest to one, by representation; none where all of its words are unknown there.

        The same sentence is no neighbour of its own.

        Raises:
            BadInput: the sentence has no word; else see `searched`.
        """
        ids = self.reader(name).ids([sentence])
        held, asked = self.searched(name), self.vectors(name, ids)
        same = np.array([text.casefold() == sentence.strip().casefold() for text in held.texts])
        found = {}
        for representation, vector in asked.items():
            best, cosines = nearest(vector, held.vectors[representation], count, lambda _: same[None])
            ranked = zip(best[0].tolist(), cosines[0].tolist(), strict=True)
            near = [Neighbour(held.texts[k], like, held.topics[k]) for k, like in ranked if np.isfinite(like)]
            found[representation] = near if vector.any() else []
        return found

    def likeness(self, name: str, pairs: Sequence[tuple[str, str]]) -> list[dict[str, float | None]]:
        """Cosine of two sentences by representation, for each pair.

        It is 1 where both have the very same vector, and None where all words of one of them are unknown.

        Raises:
            BadInput: a sentence has no word; else see `vectors`.
        """
        ids = self.reader(name).ids([sentence for pair in pairs for sentence in pair])
        vectors = self.vectors(name, ids)
        return [
            {what: _likeness(*held[2 * k : 2 * k + 2]) for what, held in vectors.items()} for k in range(len(pairs))
        ]

    def between(self, name: str, first: str, second: str, steps: int) -> Line:
        """Decodes codes on the straight line between those of two sentences.

        Args:
            name: the run.
            first: where the line begins.
            second: where it ends.
            steps: at least 2, both ends among them.

        Raises:
            BadInput: a sentence has no word; else see `vectors`.
        """
        reader = self.reader(name)
        ids = reader.ids([first, second])
        codes = self.vectors(name, ids)[CODES]
        shares = np.linspace(0, 1, steps)
        line = codes[0] + shares[:, None] * (codes[1] - codes[0])
        answer = self._runs.infer(name, DECODE, codes=line.astype(np.float32))
        words, sizes = answer["words"].copy(), (ids != PAD).sum(axis=1)
        for row, share in zip(words, shares, strict=True):
            ends = np.flatnonzero(row == PAD)
            end = ends[0] if len(ends) else len(row)
            row[end if reader.ends else round(sizes[0] + share * (sizes[1] - sizes[0])) :] = PAD
        return Line(shares, ids, words, answer["cosines"])

    @cachedmethod(
        attrgetter("_maps"),
        key=lambda self, name, embedded=False, representation=CODES: (
            *self._key(name),
            self._runs.run(name).position,
            embedded,
            representation,
        ),
        condition=attrgetter("_mapping"),
    )
    def map(self, name: str, embedded: bool = False, representation: str = CODES) -> Map | None:
        """Up to 2,000 held-out sentences in the plane: principal components, or t-SNE. None before the first step.

        Args:
            name: the run; while it is trained, there are 1,000 sentences.
            embedded: whether by t-SNE.
            representation: another than the codes needs the corpus.

        Raises:
            DataMissing: the corpus cannot be read.
        """
        kept = self._runs.kept(name, "map")
        if kept:
            names = as_texts(kept["names"])
        else:
            view = self._runs.snapshot(name)
            if view is None:
                return None
            kept, names = view.arrays, self._runs.language(name)[1]
        reader = self.reader(name)
        corpus = self._corpus(self._runs.run(name).config, reader)
        codes = np.nan_to_num(kept["codes"].astype(np.float32))
        if representation != CODES:
            if corpus is None:
                raise BadInput("Only the codes can be shown, for the run's corpus is not on this machine.")
            baseline = reader.means if representation == MEANS else reader.latent
            if baseline is None:
                raise BadInput("TF-IDF with SVD is fitted at the end of the run: choose another representation.")
            codes = baseline.encode(sentence_ids(corpus, reader.vocabulary, reader.length)[kept["indices"]])
        texts = None if corpus is None else [corpus.sentences[row] for row in kept["indices"].tolist()]
        places, shares = projections.principal(codes, 2)
        found = Map(np.zeros((len(codes), 2), np.float32), kept["labels"], names, texts, tuple(shares.tolist()))
        found.places[:, : places.shape[1]] = places
        return replace(found, places=projections.neighbour_embedding(codes, 2), shares=()) if embedded else found

    def _key(self, name: str) -> tuple[str, ...]:
        run = self._runs.run(name)
        return name, self._runs.weights_version(name), run.status

    def _corpus(self, config: RunConfig, reader: Reader) -> Corpus | None:
        """The corpus of a run, or None where it is not on this machine, or is not what it was."""
        try:
            if not self._data.dataset(config.dataset).available:
                return None
        except BadInput:  # an own text that was removed
            return None
        corpus = self._data.corpus(config.dataset)
        return corpus if Vocabulary.of(corpus, config.sentence_hyper.vocabulary) == reader.vocabulary else None


def _likeness(one: np.ndarray, other: np.ndarray) -> float | None:
    if not (one.any() and other.any()):
        return None
    return 1.0 if np.array_equal(one, other) else float(min(1.0, cosine(one[None], other[None])[0]))
