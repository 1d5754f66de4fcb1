"""A visitor's own texts: checked once, kept as documents under the home, removed on request.

A file `text-<name>-<hash>.jsonl` holds a line with the title, then a line for each document.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

from aecore.datasets.registry import OWN_TEXT, own_text_path
from aecore.datasets.text import glove
from aecore.datasets.text.cache import writing
from aecore.datasets.text.corpus import Document, Progress
from aecore.datasets.text.reading import LONGEST_SENTENCE, MOST_MEGABYTES, Text, read
from aecore.datasets.text.tokenizing import splitter
from aecore.errors import BadInput, DataMissing, StorageError
from aecore.settings import Settings

FEWEST_SENTENCES = 20
_LONGEST_SLUG = 24
_BEGINNING = FEWEST_SENTENCES * (LONGEST_SENTENCE + 1)  # characters that hold as many sentences as are needed


def add_text(filename: str, data: bytes, settings: Settings) -> str:
    """Checks a file and keeps it; it is listed among the corpora from then on.

    Args:
        filename: its name, ending in .txt or .csv.
        data: its content.
        settings: where it is kept.

    Returns:
        The name of the dataset, the same whenever the same text is added under the same name.

    Raises:
        BadInput: it cannot be used, in one sentence.
        StorageError: it cannot be written.
    """
    base = PurePath(filename.replace("\\", "/")).name
    texts = read(base, data)
    split = splitter(settings).split
    count = 0
    for found in texts:
        # The beginning of a long text has sentences enough.
        count += len(_sentences(found.text[:_BEGINNING], split))
        if count >= FEWEST_SENTENCES:
            break
    else:
        held = {0: "no sentence", 1: "one sentence"}.get(count, f"{count} sentences")
        raise BadInput(f"'{base}' holds {held}: an own text needs at least {FEWEST_SENTENCES}.")
    lines = [json.dumps({"title": base}, ensure_ascii=False)]
    lines += [json.dumps(found._asdict(), ensure_ascii=False) for found in texts]
    content = ("\n".join(lines) + "\n").encode("utf-8", "replace")
    name = f"text-{_slug(base)}-{hashlib.sha256(content).hexdigest()[:6]}"
    with writing(own_text_path(name, settings)) as scratch:
        scratch.write_bytes(content)
    return name


def add_file(file: Path, settings: Settings) -> str:
    """Keeps a file of this machine: word vectors where its first line is a word and 50 to 300 numbers, else a text.

    Returns:
        The name of the dataset, or of the vectors, such as "glove-50".

    Raises:
        BadInput: it cannot be read or used, in one sentence.
        StorageError: it cannot be written.
    """
    try:
        size = file.stat().st_size
        if file.suffix.lower() == ".txt" and glove.dimension(file) is not None:
            return glove.add_glove(file.name, file, settings)
        data = file.read_bytes() if size <= MOST_MEGABYTES * 1_000_000 else b""
    except OSError as error:
        raise BadInput(f"A file that can be read is needed; {file}: {error.strerror}.") from None
    except DataMissing as error:
        raise BadInput(str(error)) from None
    if size > MOST_MEGABYTES * 1_000_000:
        raise BadInput(f"An own text has at most {MOST_MEGABYTES} MB; {file} has {size / 1e6:.1f} MB, so cut it first.")
    return add_text(file.name, data, settings)


def remove_text(name: str, settings: Settings) -> None:
    """Deletes an own text and what was cached of it; runs that were trained on it stay.

    Raises:
        BadInput: there is no own text of this name.
        StorageError: it cannot be deleted.
    """
    path = own_text_path(name, settings)
    if not OWN_TEXT.fullmatch(name) or not path.is_file():
        raise BadInput({"dataset": f"There is no own text '{name}' to remove."})
    try:
        for cached in (settings.home / "cache" / "corpora").glob(f"{name}-*.npz"):
            cached.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{path} could not be removed ({error.strerror}).") from error


def documents(path: Path, split: Callable[[str], list[str]], progress: Progress) -> Iterator[Document]:
    """Reads an own text.

    Args:
        path: its file.
        split: from a text to its sentences.
        progress: called with the share that is read.

    Raises:
        DataMissing: the file is damaged or gone.
    """
    size, done = max(1, path.stat().st_size), 0
    for number, (text, topics) in enumerate(stored(path)):
        if number % 100 == 0:
            progress(min(1.0, done / size), "reading the text")
        done += len(text.encode("utf-8"))
        yield Document(_sentences(text, split), topics)


def stored(path: Path) -> Iterator[Text]:
    """The documents of an own text's file.

    Raises:
        DataMissing: the file is damaged or gone.
    """
    try:
        with path.open(encoding="utf-8") as file:
            next(file)
            for line in file:
                found = json.loads(line)
                yield Text(str(found["text"]), tuple(map(str, found["topics"])))
    except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
        raise DataMissing(f"{path} cannot be read: remove this text and add it again.") from error


def _sentences(text: str, split: Callable[[str], list[str]]) -> list[str]:
    """Sentences that hold a letter or a digit at least."""
    return [sentence for sentence in split(text) if any(map(str.isalnum, sentence))]


def _slug(base: str) -> str:
    """The name of a file in small letters of ASCII, for the dataset's name."""
    plain = unicodedata.normalize("NFKD", PurePath(base).stem).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:_LONGEST_SLUG].strip("-") or "own"
