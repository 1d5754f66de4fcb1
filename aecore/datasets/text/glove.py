"""GloVe vectors (Pennington, Socher and Manning, 2014): found on this machine, read line by line, or added by hand."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np

from aecore.datasets.catalogue import DatasetStatus
from aecore.datasets.registry import has_files
from aecore.datasets.text.cache import writing
from aecore.datasets.text.vocabulary import RESERVED, Vocabulary
from aecore.errors import BadInput, DataMissing
from aecore.schema.fields import truncated
from aecore.settings import Settings

SMALLEST, LARGEST = 50, 300
SIZES = (50, 100, 200, 300)  # those that are published
ARCHIVE, ARCHIVE_BYTES = "glove.6B.zip", 862_182_613
LONGEST_LINE = 1_000_000  # bytes
_NUMBERS = b"0123456789.+-eE "


def glove_file(size: int) -> str:
    """The name of the published file with vectors of this size."""
    return f"glove.6B.{size}d.txt"


def glove_size(name: str) -> int | None:
    """The size in a name such as "glove-50"; None where it is no name of vectors."""
    matched = re.fullmatch(r"glove-(\d{2,3})", name)
    return int(matched[1]) if matched and SMALLEST <= int(matched[1]) <= LARGEST else None


def glove_status(size: int, settings: Settings) -> DatasetStatus:
    """Whether and where GloVe vectors of this size are on this machine, without reading them."""
    path, name = glove_path(size, settings), glove_file(size)
    how = f"Add a file with a word and {size} numbers on each line."
    if size in SIZES:
        how = (
            f"Download {ARCHIVE} ({ARCHIVE_BYTES / 1e6:.0f} MB) from {settings.glove_url}, of which {name} is kept in "
            f"{settings.download_dir}."
        )
    return DatasetStatus(
        name=f"glove-{size}",
        title=f"GloVe, {size} numbers a word",
        licence="PDDL 1.0",
        source="https://nlp.stanford.edu/projects/glove/",
        image_shape=(),
        train_size=0,
        test_size=0,
        available=path is not None,
        where=str(path) if path else None,
        how=how,
        modality="vectors",
    )


def vectors_folder(settings: Settings) -> Path:
    """The folder of vectors that were added by hand."""
    return settings.own_dir / "vectors"


def glove_path(size: int, settings: Settings) -> Path | None:
    """The file with GloVe vectors of this size: the published one, else one whose name begins like it.

    It is looked for in the data folder, among the downloads, then among the vectors that were added; None where it
    is nowhere.
    """
    folders = [settings.data_dir, settings.download_dir, vectors_folder(settings)]
    folders = [folder for folder in folders if folder]
    for folder in folders:
        if has_files(folder, [glove_file(size)]):
            return folder / glove_file(size)
    for folder in folders:
        found = sorted(path for path in folder.glob(f"glove.6B.{size}d*.txt") if has_files(folder, [path.name]))
        if found:
            return found[0]
    return None


def have_glove(size: int, settings: Settings) -> bool:
    """Whether GloVe vectors of this size are on this machine."""
    return glove_path(size, settings) is not None


def glove_vectors(path: Path, vocabulary: Vocabulary, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Reads the vectors of a vocabulary's words; of the others, only that their rows are as wide as they have to be.

    Args:
        path: a file with a word and `size` numbers on each line, separated by blanks.
        vocabulary: the words.
        size: numbers a word.

    Returns:
        float32 [V, size], and bool [V], which rows hold a vector; the others are zero.

    Raises:
        BadInput: a line is not a word and `size` numbers; the message names file and line.
        DataMissing: the file cannot be read.
    """
    wanted = {word.encode("utf-8", "replace"): row for word, row in vocabulary.positions.items() if row >= RESERVED}
    table, known = np.zeros((len(vocabulary), size), np.float32), np.zeros(len(vocabulary), bool)
    for number, word, numbers in _rows(path.name, path, size):
        row = wanted.get(word)
        if row is not None:
            table[row], known[row] = _parsed(path.name, number, numbers), True
    return table, known


def check(path: Path, size: int) -> None:
    """Reads a file through without keeping anything.

    Raises:
        BadInput: a line is not a word and `size` numbers; the message names file and line.
        DataMissing: the file cannot be read.
    """
    for _ in _rows(path.name, path, size):
        pass


def add_glove(filename: str, data_or_path: bytes | Path, settings: Settings) -> str:
    """Checks a file of vectors in GloVe's format and keeps it, in place of one of the same size added before.

    Args:
        filename: its name, ending in .txt.
        data_or_path: its content, or the file that holds it.
        settings: where it is kept.

    Returns:
        The name of the vectors, such as "glove-50"; how many numbers a word has is taken from the first line.

    Raises:
        BadInput: it is no such file; the message names the line.
        DataMissing: the given file cannot be read.
        StorageError: it cannot be written.
    """
    name = truncated(Path(filename).name)
    if not filename.lower().endswith(".txt"):
        raise BadInput(f"Word vectors are a .txt file such as {glove_file(50)}; received '{name}'.")
    size = dimension(data_or_path)
    if size is None:
        raise BadInput(
            f"'{name}' holds no word vectors: its first line has to be a word and {SMALLEST} to {LARGEST} numbers, "
            f"as in {glove_file(50)}."
        )
    target = vectors_folder(settings) / f"glove.6B.{size}d.added.txt"
    with writing(target) as scratch, scratch.open("wb") as kept:
        for number, word, numbers in _rows(name, data_or_path, size):
            _parsed(name, number, numbers)
            kept.write(word + b" " + numbers + b"\n")
    return f"glove-{size}"


def dimension(data_or_path: bytes | Path) -> int | None:
    """How many numbers follow the word on the first line; None where this is no file of vectors of 50 to 300."""
    first = next(iter(_lines(data_or_path)), b"")
    word, *numbers = first[:LONGEST_LINE].split() or [b""]
    if not word or not SMALLEST <= len(numbers) <= LARGEST or not all(map(_is_number, numbers)):
        return None
    return len(numbers)


def _is_number(text: bytes) -> bool:
    return re.fullmatch(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text) is not None


def _lines(source: bytes | Path) -> Iterator[bytes]:
    """The lines; of one that is too long, a piece that is just longer than allowed."""
    try:
        with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
            while line := file.readline(LONGEST_LINE + 1):
                yield line
    except OSError as error:
        raise DataMissing(f"{source} cannot be read ({error.strerror}): delete it and get it again.") from error


def _rows(name: str, source: bytes | Path, size: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Line number from 1 on, word and numbers of each line, its width and its characters checked.

    Raises:
        BadInput: a line has another width, or is longer than a megabyte; there is none at all.
    """
    number = 0
    for number, line in enumerate(_lines(source), 1):
        if len(line) > LONGEST_LINE:
            raise BadInput(f"{name}, line {number:,}, is longer than {LONGEST_LINE // 1_000_000} MB: this is no file "
                           "of word vectors.")  # fmt: skip
        word, _, numbers = line.rstrip().partition(b" ")
        width = numbers.count(b" ") + 1 if numbers else 0
        if not word or width != size:
            raise BadInput(f"{name}, line {number:,}, has to hold a word and {size} numbers; received {width} numbers.")
        if numbers.translate(None, _NUMBERS):
            raise _broken(name, number, numbers)
        yield number, word, numbers
    if not number:
        raise BadInput(f"{name} is empty: it has to hold a word and {size} numbers on each line.")


def _parsed(name: str, number: int, numbers: bytes) -> np.ndarray:
    try:
        values = np.array([float(text) for text in numbers.split(b" ")])
    except ValueError:
        raise _broken(name, number, numbers) from None
    if not (np.abs(values) < np.finfo(np.float32).max).all():
        raise _broken(name, number, numbers)
    return values.astype(np.float32)


def _broken(name: str, number: int, numbers: bytes) -> BadInput:
    received = next((text for text in numbers.split(b" ") if not _is_number(text)), b"a number out of range")
    return BadInput(
        f"{name}, line {number:,}, has to hold numbers; received '{truncated(received.decode('utf-8', 'replace'))}'."
    )
