"""Reuters-21578 (D. Lewis, 1987 newswire): from the archive as distributed, or its unpacked SGML files, to sentences.

As the textbook reads it: only documents that carry a `<D>` tag anywhere (a topic, a place, a person), "title. body"
in lower case, ASCII only, the body's white space made single blanks, line breaks of the title dropped.
"""

import html
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from aecore.datasets.catalogue import CORPORA, REUTERS
from aecore.datasets.registry import download_hint, has_files, locate, spare
from aecore.datasets.text.corpus import Document, Progress
from aecore.errors import DataMissing
from aecore.settings import Settings

_MOST_BYTES = 20_000_000  # of an SGML file; the original's have 1.5 MB
_DOCUMENT = re.compile(r"<REUTERS\b[^>]*>(.*?)</REUTERS>", re.DOTALL)
_TITLE = re.compile(r"<TITLE>(.*?)</TITLE>", re.DOTALL)
_BODY = re.compile(r"<BODY>(.*?)</BODY>", re.DOTALL)
_TOPICS = re.compile(r"<TOPICS>(.*?)</TOPICS>", re.DOTALL)
_TAG = re.compile(r"<D>(.*?)</D>", re.DOTALL)


def files(settings: Settings) -> list[Path]:
    """The files that are read: the archive alone where it is, else the 22 unpacked ones.

    Raises:
        DataMissing: neither is on this machine.
    """
    corpus = CORPORA[REUTERS]
    folder = locate(corpus, settings)
    if folder is None:
        hint = download_hint(corpus, settings)
        raise DataMissing(f"{corpus.title} is not on this machine: download {hint}, or {spare(corpus)}.")
    archive = [file.name for file in corpus.files]
    return [folder / name for name in (archive if has_files(folder, archive) else corpus.unpacked)]


def documents(paths: list[Path], split: Callable[[str], list[str]], progress: Progress) -> Iterator[Document]:
    """Reads the corpus, one SGML file after the other.

    Args:
        paths: what `files` gave.
        split: from the text of a document to its sentences.
        progress: called with the share that is read.

    Raises:
        DataMissing: a file is damaged, or not what its name says.
    """
    for number, (path, text) in enumerate(_texts(paths)):
        progress(number / len(CORPORA[REUTERS].unpacked), f"reading {CORPORA[REUTERS].unpacked[number]}")
        whole = 0
        for match in _DOCUMENT.finditer(text):
            whole += 1
            if "<D>" in match[1]:
                found = _TOPICS.search(match[1])
                topics = tuple(html.unescape(tag) for tag in _TAG.findall(found[1])) if found else ()
                yield Document(split(text_of(match[1])), topics)
        if not whole or whole != text.count("<REUTERS"):
            raise _damaged(path)


def text_of(document: str) -> str:
    """The text of an SGML document, as the module's first lines say."""
    title, body = _TITLE.search(document), _BODY.search(document)
    parts = (
        html.unescape(title[1]) if title else "",
        re.sub(r"\s+", " ", html.unescape(body[1])) if body else "",
    )
    return ". ".join(parts).lower().encode("ascii", "ignore").decode().replace("\n", "")


def _texts(paths: list[Path]) -> Iterator[tuple[Path, str]]:
    """The SGML files in their order, each with the file that has to be replaced if it is damaged."""
    wanted = list(CORPORA[REUTERS].unpacked)
    path = paths[0]
    try:
        if len(paths) == len(wanted):
            for path in paths:
                if path.stat().st_size > _MOST_BYTES:
                    raise _damaged(path)
                yield path, path.read_bytes().decode("latin-1")
            return
        # Read as a stream: an archive is unpacked once, and nothing of it is written.
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                if Path(member.name).suffix != ".sgm":
                    continue
                content = archive.extractfile(member) if member.size <= _MOST_BYTES else None
                if content is None or not wanted or Path(member.name).name != wanted.pop(0):
                    raise _damaged(path)
                yield path, content.read().decode("latin-1")
        if wanted:
            raise _damaged(path)
    # A damaged archive raises any of these; OSError covers what gzip and a folder without permission raise.
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None)
        raise _damaged(path, reason) if reason else _damaged(path) from error


def _damaged(path: Path, reason: str = "it is damaged or not what its name says") -> DataMissing:
    return DataMissing(f"{path} cannot be read ({reason}): delete it and download it again.")
