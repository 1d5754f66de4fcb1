"""Downloads a dataset on request, each file checked against its published checksum before it is kept."""

from collections.abc import Callable

import pooch
from requests import exceptions as network

from aecore.datasets.catalogue import DataFile, DatasetInfo
from aecore.datasets.registry import base_url, download_folder, info, spare
from aecore.errors import DataMissing, StorageError
from aecore.settings import Settings

# Seconds to connect, and seconds without a single byte: a file may take long, a silent server may not.
TIMEOUT = (10, 30)
_CHUNK = 1 << 16

Progress = Callable[[int, int], None]


def download(name: str, settings: Settings, progress: Progress | None = None) -> None:
    """Downloads the files of a dataset that are not yet in `settings.download_dir`, or are damaged there.

    A file is written beside its place and moved there once its checksum is right, so that a broken
    download leaves nothing behind. Digits, python-docs and own texts have no files and return at once.

    Args:
        name: the dataset.
        settings: from where, and into which folder.
        progress: called with (bytes done, bytes in all) over all files, many times a second.

    Raises:
        BadInput: there is no dataset of this name.
        DataMissing: no network, an answer other than the file, or a file with another checksum.
        StorageError: the file could not be written.
    """
    dataset = info(name, settings)
    counter = _Counter(dataset, progress)
    for file in dataset.files:
        _fetch(dataset, file, settings, counter)
        counter.finish(file)


class _Counter:
    """Counts over all files with the methods that pooch calls on a progress bar.

    What it reports is held to the sizes in the registry, so that the total never changes on the way.
    """

    def __init__(self, dataset: DatasetInfo, progress: Progress | None):
        self.total = 0  # pooch sets this to the server's Content-Length, which need not be there
        self._report = progress or (lambda done, total: None)
        self._all = sum(file.bytes for file in dataset.files)
        self._finished = 0
        self._received = 0
        self._size = 0

    def start(self, file: DataFile) -> None:
        self._received, self._size = 0, file.bytes

    def finish(self, file: DataFile) -> None:
        """A file is there, whether it came now or earlier."""
        self._finished += file.bytes
        self._report(self._finished, self._all)

    def update(self, received: int) -> None:
        self._received += received
        self._report(self._finished + min(self._received, self._size), self._all)

    # At a file's end pooch winds its bar back and fills it at once; `finish` does that here.
    def reset(self) -> None:
        self._received = self._size

    def close(self) -> None:
        pass


def _fetch(dataset: DatasetInfo, file: DataFile, settings: Settings, counter: _Counter) -> None:
    folder = download_folder(dataset, settings)
    url = base_url(dataset, settings) + file.name
    counter.start(file)
    # Unencoded, or requests would unpack a .gz file that a server declares to be a gzip encoding of its content.
    downloader = pooch.HTTPDownloader(
        progressbar=counter, chunk_size=_CHUNK, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"}
    )
    try:
        pooch.retrieve(url, known_hash=file.hash, fname=file.name, path=folder, downloader=downloader)
    # In this order: requests' exceptions are OSErrors, and some of them ValueErrors too.
    except network.RequestException as error:
        if error.response is not None:
            error.response.close()  # the connection of an error page is left open
        raise DataMissing(
            f"{dataset.title} could not be downloaded, as {reason(error)} for {url}: try again later, put {file.name} "
            f"into {folder} by hand, or {spare(dataset)}."
        ) from error
    except OSError as error:
        raise StorageError(
            f"{file.name} could not be written to {folder} ({os_reason(error)}): make room there, or set "
            "AECORE_HOME to a folder that can be written to."
        ) from error
    except ValueError as error:
        raise DataMissing(
            f"{url} was refused and nothing of it kept, as its checksum is not the published {file.hash}: try again, "
            f"put the original {file.name} into {folder} by hand, or {spare(dataset)}."
        ) from error


def os_reason(error: OSError) -> str:
    """Why a file could not be written, in a few words."""
    # pooch raises its PermissionError anew with a text of its own, which loses `strerror`.
    return error.strerror or ("Permission denied" if isinstance(error, PermissionError) else str(error))


def reason(error: network.RequestException) -> str:
    """Why a transfer failed, in a few words that end before "for <address>"."""
    if isinstance(error, network.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}".rstrip()
    if isinstance(error, network.Timeout):
        return "the server did not answer in time"
    if isinstance(error, network.SSLError):
        return "the server's certificate was not accepted"
    if isinstance(error, network.ChunkedEncodingError):
        return "the transfer broke off"
    if isinstance(error, network.ConnectionError):
        return "the connection to the server failed"
    return f"the request failed ({type(error).__name__})"
