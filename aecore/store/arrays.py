"""The arrays of a run's files."""

import numpy as np

from aecore import files
from aecore.errors import StorageError


def read_arrays(data: bytes) -> dict[str, np.ndarray]:
    """Reads what `aecore.files.pack_arrays` wrote.

    Raises:
        StorageError: it is damaged.
    """
    try:
        return files.read_arrays(data)
    except (ValueError, OSError) as error:
        raise StorageError(f"A file of arrays of this run is damaged ({error}).") from None
