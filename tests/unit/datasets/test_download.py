"""Downloads from a server on this machine that plays the remote one."""

import errno
import hashlib
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pooch
import pytest

from aecore.datasets import DATASETS, DataFile, download, status
from aecore.errors import BadInput, DataMissing, StorageError
from aecore.settings import Settings
from tests.remote import Remote

CONTENT = bytes(range(256)) * 1000
FASHION = [file.name for file in DATASETS["fashion_mnist"].files]


@pytest.fixture
def settings(remote: Remote, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", keras_dir=tmp_path / "keras", data_url=remote.url)


def publish(monkeypatch: pytest.MonkeyPatch, remote: Remote, name: str, contents: dict[str, bytes]) -> None:
    """Puts files on the server and their checksums into the registry."""
    remote.files |= contents
    files = tuple(
        DataFile(file, f"sha256:{hashlib.sha256(content).hexdigest()}", len(content))
        for file, content in contents.items()
    )
    monkeypatch.setitem(DATASETS, name, replace(DATASETS[name], files=files))


@pytest.fixture
def mnist(monkeypatch: pytest.MonkeyPatch, remote: Remote) -> None:
    publish(monkeypatch, remote, "mnist", {"mnist.npz": CONTENT})


def refusal(settings: Settings, kind: type[Exception] = DataMissing) -> str:
    """The sentence of a download that fails, which must leave no file behind."""
    with pytest.raises(kind) as caught:
        download("mnist", settings)
    message = str(caught.value)
    assert "\n" not in message
    assert ". " not in message, "more than one sentence"
    assert not settings.download_dir.is_dir() or not list(settings.download_dir.iterdir())
    return message


def test_download_with_progress(settings: Settings, mnist: None):
    seen: list[tuple[int, int]] = []
    download("mnist", settings, lambda done, total: seen.append((done, total)))
    assert (settings.download_dir / "mnist.npz").read_bytes() == CONTENT
    assert [path.name for path in settings.download_dir.iterdir()] == ["mnist.npz"]
    assert status("mnist", settings).where == str(settings.download_dir)
    assert len(seen) > 3
    assert seen == sorted(seen)
    assert {total for _, total in seen} == {len(CONTENT)}
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_progress_without_content_length(settings: Settings, remote: Remote, mnist: None):
    remote.declares_length = False
    seen: list[tuple[int, int]] = []
    download("mnist", settings, lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_several_files_go_into_their_folder(settings: Settings, remote: Remote, monkeypatch: pytest.MonkeyPatch):
    contents = {name: CONTENT[: 100_000 * (part + 1)] for part, name in enumerate(FASHION)}
    publish(monkeypatch, remote, "fashion_mnist", contents)
    seen: list[tuple[int, int]] = []
    download("fashion_mnist", settings, lambda done, total: seen.append((done, total)))
    total = sum(map(len, contents.values()))
    assert status("fashion_mnist", settings).where == str(settings.download_dir / "fashion-mnist")
    assert seen == sorted(seen)
    assert seen[-1] == (total, total)
    assert remote.asked == FASHION


def test_present_files_are_not_downloaded_again(settings: Settings, remote: Remote, mnist: None):
    download("mnist", settings)
    seen: list[tuple[int, int]] = []
    download("mnist", settings, lambda done, total: seen.append((done, total)))
    assert remote.asked == ["mnist.npz"]
    assert seen == [(len(CONTENT), len(CONTENT))]


def test_a_damaged_file_is_replaced(settings: Settings, mnist: None):
    settings.download_dir.mkdir(parents=True)
    (settings.download_dir / "mnist.npz").write_bytes(CONTENT[:100])
    download("mnist", settings)
    assert (settings.download_dir / "mnist.npz").read_bytes() == CONTENT


def test_digits_needs_nothing(settings: Settings, remote: Remote):
    download("digits", settings)
    assert remote.asked == []


def test_unknown_name(settings: Settings):
    with pytest.raises(BadInput):
        download("cifar", settings)


def test_another_checksum_is_refused(settings: Settings, remote: Remote, mnist: None):
    remote.files["mnist.npz"] = CONTENT[:-1] + b"?"
    message = refusal(settings)
    assert "checksum" in message
    assert "nothing of it kept" in message


def test_not_found(settings: Settings, remote: Remote, mnist: None):
    remote.files.clear()
    message = refusal(settings)
    assert "404 Not Found" in message
    assert f"put mnist.npz into {settings.download_dir}" in message
    assert "digits, which needs no download" in message


def test_truncated(settings: Settings, remote: Remote, mnist: None):
    remote.cut = True
    assert "the transfer broke off" in refusal(settings)


def test_truncated_without_content_length(settings: Settings, remote: Remote, mnist: None):
    remote.cut, remote.declares_length = True, False
    assert "checksum" in refusal(settings)


def test_silent_server(settings: Settings, remote: Remote, mnist: None, monkeypatch: pytest.MonkeyPatch):
    # By its name in sys.modules, as the package's attribute `download` is the function.
    monkeypatch.setattr(sys.modules["aecore.datasets.download"], "TIMEOUT", (0.2, 0.2))
    remote.silent.clear()
    assert "did not answer in time" in refusal(settings)


def test_connection_refused(settings: Settings, mnist: None):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    message = refusal(replace(settings, data_url=f"http://127.0.0.1:{port}/"))
    assert "the connection to the server failed" in message
    assert "digits, which needs no download" in message


@pytest.mark.parametrize("url", ["nonsense/", "file:///etc/", "http:///"])
def test_an_query_parameters_that_is_none(settings: Settings, mnist: None, url: str):
    assert url in refusal(replace(settings, data_url=url))


def test_full_disk(settings: Settings, mnist: None, monkeypatch: pytest.MonkeyPatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", full)
    message = refusal(settings, StorageError)
    assert "No space left on device" in message
    assert str(settings.download_dir) in message


def test_a_folder_that_cannot_be_made(settings: Settings, mnist: None):
    settings.home.write_text("a file where the folder should be")
    assert "AECORE_HOME" in refusal(settings, StorageError)


def test_a_folder_that_must_not_be_written(settings: Settings, mnist: None, monkeypatch: pytest.MonkeyPatch):
    def forbidden(*args, **kwargs):
        raise PermissionError("pooch's own text. It has no errno.")

    monkeypatch.setattr(pooch, "retrieve", forbidden)
    assert "Permission denied" in refusal(settings, StorageError)
