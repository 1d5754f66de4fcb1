"""Arrays kept on disk so that nothing is computed twice: written whole or not at all, never unpickled."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from aecore.errors import StorageError


def read(path: Path) -> dict[str, np.ndarray] | None:
    """The arrays of a file, or None where there is none or it is damaged, so that it has to be made again."""
    try:
        # Opened here, as numpy leaves the file open when it turns out to be no zip archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    # A damaged file can raise nearly anything: BadZipFile, zlib.error, EOFError, KeyError, ValueError, MemoryError.
    except Exception:
        return None


def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes arrays beside their place and moves them there once they are complete.

    Raises:
        StorageError: no space left, or the folder cannot be written to; what was there is untouched.
    """
    with writing(path) as scratch, scratch.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


class writing:
    """A file that takes its place only when the block ends well: gives the path to write to.

    Raises:
        StorageError: it cannot be written; nothing is left behind, and what was there is untouched.
    """

    def __init__(self, path: Path):
        self._path, self._scratch = path, path

    def __enter__(self) -> Path:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=".writing-")
            os.close(descriptor)
        except OSError as error:
            raise self._refusal(error) from error
        self._scratch = Path(name)
        return self._scratch

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            try:
                self._scratch.replace(self._path)
            except OSError as failed:
                error = failed
        if error is not None:
            self._scratch.unlink(missing_ok=True)
        # Only what the file system says, by its number: requests' errors, for one, are OSErrors too.
        if isinstance(error, OSError) and error.errno is not None and type(error).__module__ == "builtins":
            raise self._refusal(error) from error

    def _refusal(self, error: OSError) -> StorageError:
        return StorageError(
            f"{self._path.name} could not be written to {self._path.parent} ({error.strerror}): make room there, or "
            "set AECORE_HOME to a folder that can be written to."
        )


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
