"""Loads a corpus: from memory, else from the cache on disk, else from its source, which is then cached."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from cachetools import LRUCache

from aecore.datasets.catalogue import PYTHON_DOCS, REUTERS
from aecore.datasets.registry import DatasetInfo, info_of, own_text_path, status, without_version
from aecore.datasets.text import cache, own, python_docs, reuters
from aecore.datasets.text.corpus import Corpus, Document, Progress, Sentences, build
from aecore.datasets.text.tokenizing import has_punkt, splitter
from aecore.errors import DataMissing
from aecore.settings import Settings

FORMAT = 1  # raised when the same source gives other arrays
IN_MEMORY = 2
_READING = 0.95  # share of the progress that reading takes; numbering and writing take the rest
_ARRAYS = ("documents", "topic_ids", "topic_starts", "counts", "token_ids", "starts")


class _Source(NamedTuple):
    """Where a corpus comes from.

    Attributes:
        key: changes when other sentences come out.
        sample: texts to train a sentence splitter on; None where it may be too short or uniform for that.
        documents: reads it.
        resplit: see `build`.
    """

    key: str
    sample: Callable[[], Iterable[str]] | None
    documents: Callable[[Callable[[str], list[str]], Progress], Iterator[Document]]
    resplit: bool = False


_CORPORA: LRUCache[tuple[Path, str], Corpus] = LRUCache(IN_MEMORY)
_MAKING = threading.Lock()  # one is made at a time, so that two visitors do not parse the same one


def load_corpus(name: str, settings: Settings, progress: Progress | None = None) -> Corpus:
    """Loads a corpus, or returns it as it was loaded before if its source has not changed.

    Args:
        name: `python-docs`, with or without its version, `reuters`, or an own text.
        settings: where its source and the cache lie.
        progress: called with the share that is done, from 0 to 1, and what is being done.

    Raises:
        BadInput: there is no corpus of this name, or it holds images.
        DataMissing: it is not on this machine, or damaged.
        StorageError: the cache cannot be written.
    """
    report = progress or (lambda share, what: None)
    dataset = info_of("sentences", name, settings)
    if name != without_version(name):
        found = status(name, settings)
        if not found.available:
            raise DataMissing(f"{found.title} is not on this machine. {found.how}")
        name = without_version(name)
        dataset = info_of("sentences", name, settings)
    source = _source(dataset, settings)
    path = settings.home / "cache" / "corpora" / f"{name}-{source.key}.npz"
    with _MAKING:
        corpus = _CORPORA.get((path, source.key))
        if corpus is None:
            report(0.0, f"looking for {dataset.title}")
            corpus = _cached(dataset, path, settings) or _made(dataset, source, path, settings, report)
            _CORPORA[path, source.key] = corpus
    report(1.0, f"{dataset.title} is ready")
    return corpus


def _source(dataset: DatasetInfo, settings: Settings) -> _Source:
    if dataset.name == PYTHON_DOCS:
        return _Source(_key(python_docs.key()), python_docs.sample, python_docs.documents)
    if dataset.name == REUTERS:
        paths = reuters.files(settings)
        return _Source(
            _key(*map(_hash, paths)),
            lambda: (
                text for part in reuters.documents(paths, lambda text: [text], _silent) for text in part.sentences
            ),
            lambda split, progress: reuters.documents(paths, split, progress),
            resplit=True,  # the textbook's figures are those of `word_tokenize`
        )
    path = own_text_path(dataset.name, settings)
    return _Source(
        _key(_hash(path)),
        None,
        lambda split, progress: own.documents(path, split, progress),
    )


def _silent(share: float, what: str) -> None:
    pass


def _key(*parts: str) -> str:
    return cache.digest([f"format {FORMAT}", *parts])


def _hash(path: Path) -> str:
    try:
        stat = path.stat()
        return _hash_of(path, (stat.st_mtime_ns, stat.st_size))
    except OSError as error:
        raise DataMissing(f"{path} cannot be read ({error.strerror}): delete it and get it again.") from error


@lru_cache(maxsize=64)
def _hash_of(path: Path, version: tuple[int, int]) -> str:
    """Hash of a file. The version does nothing but make a replaced file a new entry of the cache."""
    del version
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _made(dataset: DatasetInfo, source: _Source, path: Path, settings: Settings, report: Progress) -> Corpus:
    report(0.0, "preparing to split sentences")
    chosen = splitter(settings, source.sample)
    read = source.documents(chosen.split, lambda share, what: report(share * _READING, what))
    corpus = build(dataset.name, dataset.title, read, chosen, source.resplit)
    report(_READING, "writing the cache")
    about = {"title": corpus.title, "splitter": corpus.sentence_splitter, "fingerprint": corpus.fingerprint,
             "punkt": has_punkt(settings)}  # fmt: skip
    arrays = {name: getattr(corpus, name) for name in _ARRAYS}
    arrays |= {"blob": corpus.sentences.blob, "ends": corpus.sentences.starts, "words": cache.as_bytes(corpus.words)}
    arrays |= {"topics": cache.as_bytes(corpus.topic_names), "about": cache.as_bytes([json.dumps(about)])}
    cache.write(path, arrays)
    return corpus


def _cached(dataset: DatasetInfo, path: Path, settings: Settings) -> Corpus | None:
    """The corpus as it was kept; None where it has to be made, as the file is missing, damaged, or can be bettered."""
    arrays = cache.read(path)
    if arrays is None:
        return None
    try:
        about = json.loads(cache.as_texts(arrays["about"])[0])
        corpus = Corpus(
            name=dataset.name,
            title=about["title"],
            sentences=Sentences(arrays["blob"], arrays["ends"]),
            topic_names=cache.as_texts(arrays["topics"]),
            words=cache.as_texts(arrays["words"]),
            sentence_splitter=about["splitter"],
            fingerprint=about["fingerprint"],
            **{name: arrays[name] for name in _ARRAYS},
        )
        whole = _whole(corpus)
        bettered = not about["punkt"] and has_punkt(settings)
    except (KeyError, ValueError, TypeError, IndexError):
        return None
    return corpus if whole and not bettered else None


def _whole(corpus: Corpus) -> bool:
    """Whether the arrays go together; zip's checksums have told already that none of them is damaged."""
    number, documents = len(corpus.sentences), len(corpus.topic_starts) - 1
    return (
        number == len(corpus.documents) == len(corpus.starts) - 1
        and len(corpus.words) == len(corpus.counts)
        and int(corpus.starts[-1]) == len(corpus.token_ids) == int(corpus.counts.sum())
        and int(corpus.sentences.starts[-1]) == len(corpus.sentences.blob)
        and int(corpus.topic_starts[-1]) == len(corpus.topic_ids)
        and (not number or int(corpus.documents.max()) < documents)
        and bool(np.array_equal(np.bincount(corpus.token_ids, minlength=len(corpus.words)), corpus.counts))
    )
