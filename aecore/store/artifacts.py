"""Files of the runs: written whole or not at all, and checked when they are read."""

import errno
import hashlib
from pathlib import Path

from aecore.errors import StorageError
from aecore.files import written_whole


class ArtifactFolder:
    """A folder that holds the files of all runs.

    Args:
        root: it is made when the first file is written.
    """

    def __init__(self, root: Path):
        self.root = root

    def write(self, path: str, data: bytes) -> str:
        """Writes a file in one go, so that a reader never sees half of it.

        Args:
            path: relative to the folder.
            data: what it will hold.

        Returns:
            The SHA-256 of the data.

        Raises:
            StorageError: no space left, or the folder cannot be written to; what was there is untouched.
        """
        target = self.root / path
        try:
            with written_whole(target) as scratch:
                scratch.write_bytes(data)
        except OSError as error:
            raise StorageError(_cannot_write(target, len(data), error)) from None
        return hashlib.sha256(data).hexdigest()

    def read(self, path: str, sha256: str) -> bytes:
        """Reads a file back.

        Raises:
            StorageError: it is gone, or is not what was written.
        """
        try:
            data = (self.root / path).read_bytes()
        except OSError as error:
            raise StorageError(f"The file {path} of this run cannot be read ({error.strerror}).") from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StorageError(f"The file {path} of this run is damaged: it is not what was written.")
        return data

    def remove(self, path: str) -> None:
        """Removes a file; one that is already gone is fine."""
        (self.root / path).unlink(missing_ok=True)


def _cannot_write(target: Path, size: int, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"No disk space is left for {size / 1e6:.1f} MB in {target.parent}: free some and resume the run; "
            "what was stored before is untouched."
        )
    return f"{target.parent} cannot be written to ({error.strerror}): choose another folder with AECORE_HOME."
