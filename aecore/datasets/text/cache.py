"""Arrays kept on disk so that nothing is computed twice: written whole or not at all, never unpickled."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from aecore.errors import StorageError
from aecore.files import read_arrays, written_whole


def read(path: Path) -> dict[str, np.ndarray] | None:
    """The arrays of a file, or None where there is none or it is damaged, so that it has to be made again."""
    try:
        return read_arrays(path)
    except (OSError, ValueError):
        return None


def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes arrays beside their place and moves them there once they are complete.

    Raises:
        StorageError: no space left, or the folder cannot be written to; what was there is untouched.
    """
    with writing(path) as scratch, scratch.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A file that takes its place only when the block ends well: gives the path to write to.

    Raises:
        StorageError: it cannot be written; nothing is left behind, and what was there is untouched.
    """
    try:
        with written_whole(path) as scratch:
            yield scratch
    except OSError as error:
        # Only what the file system says, by its number: requests' errors, for one, are OSErrors too.
        if error.errno is None or type(error).__module__ != "builtins":
            raise
        raise StorageError(
            f"{path.name} could not be written to {path.parent} ({error.strerror}): make room there, or set "
            "AECORE_HOME to a folder that can be written to."
        ) from error


def as_bytes(texts: Iterable[str]) -> np.ndarray:
    """uint8: strings without line breaks as one stretch of UTF-8, a line each."""
    return np.frombuffer("\n".join(texts).encode("utf-8"), np.uint8)


def as_texts(blob: np.ndarray) -> tuple[str, ...]:
    """Reads what `as_bytes` made of at least one string that is not empty; nothing gives no strings.

    Raises:
        ValueError: it is not UTF-8.
    """
    text = np.asarray(blob, np.uint8).tobytes().decode("utf-8")
    return tuple(text.split("\n")) if text else ()


def digest(parts: Iterable[str]) -> str:
    """A hash of strings, short enough for the name of a file."""
    return hashlib.sha256("\n".join(parts).encode("utf-8")).hexdigest()[:20]
