"""Arrays as compressed .npz archives; nothing is ever pickled."""

import io
import zipfile
from collections.abc import Mapping

import numpy as np

from aecore.errors import StorageError


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The arrays as an archive."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def read_arrays(data: bytes) -> dict[str, np.ndarray]:
    """Reads what `pack_arrays` wrote.

    Raises:
        StorageError: it is damaged.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise StorageError(f"A file of arrays of this run is damaged ({error}).") from None
