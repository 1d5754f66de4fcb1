"""Downloads published GloVe vectors on request: the archive is streamed to disk, the one file taken out of it kept."""

import shutil
import zipfile
import zlib
from pathlib import Path
from urllib.parse import urlsplit

import requests

from aecore.datasets.download import TIMEOUT, Progress, os_reason, reason
from aecore.datasets.text import glove
from aecore.errors import BadInput, DataMissing, StorageError
from aecore.settings import Settings

_CHUNK = 1 << 18
_LOCAL = ("localhost", "127.0.0.1", "::1")


def download_glove(size: int, settings: Settings, progress: Progress | None = None) -> Path:
    """Downloads the vectors of one size, unless they are there.

    No checksum is published. The address has to be https, the archive's own checksum has to hold, and every line
    has to be a word and `size` numbers.

    Args:
        size: 50, 100, 200 or 300 numbers a word.
        settings: from where, and into which folder.
        progress: called with (bytes done, bytes in all) of the archive.

    Returns:
        The file.

    Raises:
        BadInput: there are no vectors of this size.
        DataMissing: no network, an answer other than the archive, or a damaged one.
        StorageError: the file could not be written.
    """
    if size not in glove.SIZES:
        raise BadInput(
            f"GloVe vectors have {', '.join(map(str, glove.SIZES[:-1]))} or {glove.SIZES[-1]} numbers; received {size}."
        )
    folder, name = settings.download_dir, glove.glove_file(size)
    target = folder / name
    if target.is_file():
        return target
    archive, scratch = folder / f".{name}.zip", folder / f".{name}.writing"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(settings, name, archive, progress or (lambda done, total: None))
        _unpack(settings, archive, name, size, scratch)
        scratch.replace(target)
    except requests.RequestException as error:
        if error.response is not None:
            error.response.close()  # the connection of an error page is left open
        raise DataMissing(
            f"{name} could not be downloaded, as {reason(error)} for {settings.glove_url}{glove.ARCHIVE}: try again "
            f"later, put {name} into {folder} by hand, or use vectors made from the text itself."
        ) from error
    except OSError as error:
        raise StorageError(
            f"{name} could not be written to {folder} ({os_reason(error)}): make room there, 1.1 GB for a while, or "
            "set AECORE_HOME to a folder that can be written to."
        ) from error
    finally:
        for left in (archive, scratch):
            _discard(left)
    return target


def _fetch(settings: Settings, name: str, archive: Path, progress: Progress) -> None:
    url = settings.glove_url + glove.ARCHIVE
    _require_https(url)
    # Unencoded, so that bytes are counted as the server sends them.
    with requests.get(url, stream=True, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"}) as answer:
        answer.raise_for_status()
        _require_https(answer.url)
        total = int(answer.headers.get("Content-Length") or glove.ARCHIVE_BYTES)
        done = 0
        with archive.open("wb") as file:
            for chunk in answer.iter_content(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                progress(min(done, total), total)


def _require_https(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _LOCAL:
        raise DataMissing(
            f"{url} is not used, as it is not https and no checksum of GloVe is published: set AECORE_GLOVE_URL to an "
            "address that begins with https://."
        )


def _unpack(settings: Settings, archive: Path, name: str, size: int, scratch: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as whole, whole.open(name) as member, scratch.open("wb") as file:
            shutil.copyfileobj(member, file, _CHUNK)  # at the member's end its checksum is compared
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError) as error:
        raise _refused(settings, name, "it is no zip archive with this file, or is damaged") from error
    try:
        glove.check(scratch, size)
    except BadInput as error:
        raise _refused(settings, name, f"its lines are not a word and {size} numbers") from error


def _refused(settings: Settings, name: str, why: str) -> DataMissing:
    return DataMissing(
        f"{settings.glove_url}{glove.ARCHIVE} was refused and nothing of it kept, as {why} ({name}): try again, put "
        f"{name} into {settings.download_dir} by hand, or use vectors made from the text itself."
    )


def _discard(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # its folder cannot be made or entered, so that there is nothing to discard
        return
