"""Files written whole or not at all, and arrays in .npz archives; nothing is ever unpickled."""

import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Gives the path of a file that takes its place only when the block ends well, and is on the disk by then.

    Raises:
        OSError: it cannot be written; nothing is left behind, and what was there is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    os.close(descriptor)
    scratch = Path(name)
    try:
        yield scratch
        with scratch.open("rb") as file:
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def pack_arrays(arrays: Mapping[str, np.ndarray], compressed: bool = True) -> bytes:
    """The arrays as an archive."""
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def read_arrays(source: Path | bytes, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Reads an archive, or some arrays of it.

    Raises:
        ValueError: it is damaged, is no such archive, or lacks one of the names.
        OSError: the file cannot be read.
    """
    try:
        # Opened here, as numpy leaves a file open when it turns out to be no zip archive.
        opened = source.open("rb") if isinstance(source, Path) else io.BytesIO(source)
        with opened as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in (archive.files if names is None else names)}
    except (OSError, ValueError):
        raise
    # A damaged file can raise nearly anything: BadZipFile, zlib.error, EOFError, KeyError, RuntimeError (an encrypted
    # zip), TokenError (a header of numpy), MemoryError (a shape that lies), AttributeError (an array, no archive).
    except Exception as error:
        raise ValueError(str(error) or type(error).__name__) from error
