"""What a corpus holds, for a visitor: read in the background, since the first time may take a minute."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from aecore.datasets import text
from aecore.datasets.text.glove import SIZES
from aecore.errors import BadInput
from aecore.runs.background import BackgroundTasks, TaskStatus
from aecore.runs.background import Report as Progress
from aecore.runs.data import Data

VOCABULARY, VECTOR = 5000, 50
WORDS = 25
LONG, BINS = 0.995, 60  # share of the sentences whose lengths are drawn one by one; bars at most
_READING = 0.8  # share of the progress; word vectors take the rest


@dataclass(frozen=True, eq=False)
class Report:
    """What a corpus holds.

    Attributes:
        title: of the corpus.
        statistics: see `aecore.datasets.text.statistics`.
        edges: number of words where each bar begins, and the end of the last, int64 [bars + 1].
        lengths: sentences of as many words, int64 [bars].
        longer: sentences that are longer than the last bar.
        sizes: numbers of words, int64 [p].
        coverage: share of the tokens that so many of the most frequent words make up, float64 [p].
        words: the most frequent ones, with how often each occurs.
        splitter: what split the text into sentences.
        vectors: where word vectors may be from, and the share of the tokens that have one with a vocabulary of 5,000
            words, or a sentence that says why there are none.
    """

    title: str
    statistics: dict[str, Any]
    edges: np.ndarray
    lengths: np.ndarray
    longer: int
    sizes: np.ndarray
    coverage: np.ndarray
    words: list[tuple[str, int]]
    splitter: str
    vectors: dict[str, float | str]


class Corpora:
    """Reads corpora in the background.

    Args:
        data: the datasets.
    """

    def __init__(self, data: Data):
        self._data, self._tasks = data, BackgroundTasks()
        self._reports: dict[str, tuple[Any, Report]] = {}

    def report(self, name: str) -> Report | None:
        """What a corpus holds, or None where it has to be prepared first.

        Raises:
            BadInput: there is no corpus of that name.
        """
        version, report = self._reports.get(name, (None, None))
        return report if version == self._version(name) else None

    def prepare(self, name: str) -> None:
        """Starts reading a corpus in the background; `status` tells how far it is.

        Raises:
            BadInput: there is no corpus of that name.
        """
        self._data.dataset(name)
        self._tasks.start(name, lambda report: self._read(name, report))

    def status(self, name: str) -> TaskStatus:
        """The last reading of a corpus; an inactive one where there was none."""
        return self._tasks.status(name)

    def _version(self, name: str) -> tuple:
        """What changes with a report: where the corpus and the vectors lie."""
        return self._data.dataset(name).where, self._glove()

    def _glove(self) -> int | None:
        """The size of the smallest GloVe vectors that are here."""
        return next((size for size in SIZES if text.have_glove(size, self._data.settings)), None)

    def _read(self, name: str, progress: Progress) -> None:
        version = self._version(name)
        corpus = self._data.corpus(name, lambda share, what: progress(_READING * share, 1.0, what))
        self._reports[name] = version, self._report(corpus, progress)

    def _report(self, corpus: text.Corpus, progress: Progress) -> Report:
        words = text.lengths(corpus)
        longest = int(np.quantile(words, LONG))
        step = max(1, -(-longest // BINS))
        edges = np.arange(0, longest + step + 1, step)
        counts = np.histogram(words[words < edges[-1]], edges)[0]
        sizes, coverage = text.coverage_curve(corpus)
        return Report(
            title=corpus.title, statistics=text.corpus_statistics(corpus, VOCABULARY), edges=edges, lengths=counts,
            longer=int((words >= edges[-1]).sum()), sizes=sizes, coverage=coverage,
            words=text.frequent_words(corpus, WORDS), splitter=corpus.sentence_splitter,
            vectors=self._vectors(corpus, progress),
        )  # fmt: skip

    def _vectors(self, corpus: text.Corpus, progress: Progress) -> dict[str, float | str]:
        def making(share: float, what: str) -> None:
            progress(_READING + (1 - _READING) * share, 1.0, what)

        vocabulary, glove = text.Vocabulary.of(corpus, VOCABULARY), self._glove()
        sources: list[tuple[Literal["glove", "corpus"], int, str]] = [("corpus", VECTOR, "made from the text itself")]
        if glove is not None:
            sources.insert(0, ("glove", glove, f"GloVe, {glove} numbers a word"))
        found: dict[str, float | str] = {}
        for source, size, title in sources:
            making(0.0, f"word vectors, {title}")
            try:
                made = text.word_vectors(source, corpus, vocabulary, size, "zero", 0, self._data.settings, making)
                found[title] = made.covered
            except BadInput as error:
                found[title] = str(error)
        return found
