"""GloVe from a server on this machine that plays the remote one."""

import io
import socket
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from aecore.datasets.text import download_glove
from aecore.datasets.text.glove import glove_path
from aecore.errors import BadInput, DataMissing, StorageError
from aecore.settings import Settings
from tests.remote import Remote

ROWS = "".join(f"word{i} {' '.join(['0.123'] * 50)}\n" for i in range(4000)).encode()


@pytest.fixture
def settings(remote: Remote, tmp_path: Path) -> Settings:
    remote.files["glove.6B.zip"] = archive(ROWS)
    return Settings(home=tmp_path / "home", keras_dir=tmp_path / "keras", glove_url=remote.url)


def archive(content: bytes, name: str = "glove.6B.50d.txt", compression: int = zipfile.ZIP_STORED) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", compression) as file:
        file.writestr("glove.6B.100d.txt", "another size")
        file.writestr(name, content)
    return raw.getvalue()


def refusal(settings: Settings, kind: type[Exception] = DataMissing) -> str:
    """The sentence of a download that fails, which must leave no file behind."""
    with pytest.raises(kind) as caught:
        download_glove(50, settings)
    message = str(caught.value)
    assert "\n" not in message
    assert ". " not in message, "more than one sentence"
    assert not settings.download_dir.is_dir() or not list(settings.download_dir.iterdir())
    return message


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_only_the_file_that_is_needed_is_kept(settings: Settings, remote: Remote, compression: int):
    remote.files["glove.6B.zip"] = archive(ROWS, compression=compression)
    seen: list[tuple[int, int]] = []
    path = download_glove(50, settings, lambda done, total: seen.append((done, total)))
    assert path == glove_path(50, settings)
    assert path.read_bytes() == ROWS
    assert [file.name for file in settings.download_dir.iterdir()] == ["glove.6B.50d.txt"]
    assert seen == sorted(seen)
    assert seen[-1] == (len(remote.files["glove.6B.zip"]),) * 2
    download_glove(50, settings)
    assert remote.asked == ["glove.6B.zip"], "what is here is not downloaded again"


def test_without_content_length(settings: Settings, remote: Remote):
    remote.declares_length = False
    assert download_glove(50, settings).read_bytes() == ROWS


def test_not_found(settings: Settings, remote: Remote):
    remote.files.clear()
    message = refusal(settings)
    assert "404 Not Found" in message
    assert f"put glove.6B.50d.txt into {settings.download_dir} by hand" in message
    assert "or use vectors made from the text itself" in message


def test_connection_refused(settings: Settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert "the connection to the server failed" in refusal(replace(settings, glove_url=f"http://127.0.0.1:{port}/"))


def test_silent_server(settings: Settings, remote: Remote, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aecore.datasets.text.glove_download.TIMEOUT", (0.2, 0.2))
    remote.silent.clear()
    assert "did not answer in time" in refusal(settings)


@pytest.mark.parametrize("declares_length", [True, False])
def test_truncated(settings: Settings, remote: Remote, declares_length: bool):
    remote.cut, remote.declares_length = True, declares_length
    assert ("the transfer broke off" if declares_length else "was refused and nothing of it kept") in refusal(settings)


def flipped() -> bytes:
    content = bytearray(archive(ROWS))
    content[len(content) // 2] ^= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        (b"<html>not here</html>", "it is no zip archive with this file"),
        (archive(ROWS, "glove.42B.50d.txt"), "it is no zip archive with this file"),
        (archive(ROWS, "../glove.6B.50d.txt"), "it is no zip archive with this file"),
        (flipped(), "or is damaged"),
        (archive(ROWS + b"rain 0.5 0.5\n"), "its lines are not a word and 50 numbers"),
        (archive(b""), "its lines are not a word and 50 numbers"),
    ],
)
def test_another_content(settings: Settings, remote: Remote, content: bytes, reported: str):
    remote.files["glove.6B.zip"] = content
    message = refusal(settings)
    assert reported in message
    assert "nothing of it kept" in message


@pytest.mark.parametrize("url", ["http://example.org/data/", "ftp://example.org/", "nonsense/"])
def test_only_https_is_used(settings: Settings, url: str):
    assert "set AECORE_GLOVE_URL to an address that begins with https://" in refusal(replace(settings, glove_url=url))


def test_a_folder_that_cannot_be_made(settings: Settings):
    settings.home.write_text("a file where the folder should be")
    assert "AECORE_HOME" in refusal(settings, StorageError)


def test_a_size_that_is_not_published(settings: Settings):
    with pytest.raises(BadInput, match="received 77"):
        download_glove(77, settings)
