"""Files whole or not at all, and databases that open or say in one sentence why not."""

import errno
import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from aecore.errors import StorageError
from aecore.store.artifacts import ArtifactFolder
from aecore.store.repository import Repository


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# Files


@pytest.fixture
def folder(tmp_path: Path) -> ArtifactFolder:
    return ArtifactFolder(tmp_path / "files")


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_file_is_read_back(folder: ArtifactFolder):
    assert folder.read("run/a.npz", folder.write("run/a.npz", b"data")) == b"data"
    assert files(folder.root) == {"run/a.npz"}


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failing_write_leaves_the_old_file(folder: ArtifactFolder, monkeypatch: pytest.MonkeyPatch, failing: str):
    sha256 = folder.write("a.npz", b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os if failing == "fsync" else Path, failing, full_disk)
        with pytest.raises(StorageError, match=r"^No disk space is left for 2\.0 MB in .*: free some and resume"):
            folder.write("a.npz", bytes(2_000_000))
    assert folder.read("a.npz", sha256) == b"old"
    assert files(folder.root) == {"a.npz"}


def test_a_folder_that_cannot_be_written_to(folder: ArtifactFolder):
    folder.root.write_text("a file where the folder should be")
    with pytest.raises(StorageError, match=r"cannot be written to .*AECORE_HOME"):
        folder.write("a.npz", b"data")


def test_a_damaged_or_missing_file_is_refused(folder: ArtifactFolder):
    sha256 = folder.write("a.npz", b"data")
    (folder.root / "a.npz").write_bytes(b"dat")
    with pytest.raises(StorageError, match=r"a\.npz of this run is damaged"):
        folder.read("a.npz", sha256)
    folder.remove("a.npz")
    folder.remove("a.npz")
    with pytest.raises(StorageError, match=r"a\.npz of this run cannot be read \(No such file"):
        folder.read("a.npz", sha256)


# The database


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////dev/null/store.db",
        "postgresql://user:secret@host/db",
        "oracle+nothing://user:secret@host/db",
        "postgresql://user:secret@host:port/db",
        "user:secret",
        "",
    ],
)
def test_a_database_that_cannot_be_opened(url: str, tmp_path: Path):
    with pytest.raises(StorageError) as caught:
        Repository(url, tmp_path)
    sentence = str(caught.value)
    assert sentence.startswith("The store ")
    assert "cannot be opened: " in sentence
    assert "\n" not in sentence
    assert "secret" not in sentence


def test_a_file_that_is_no_database(tmp_path: Path):
    (tmp_path / "store.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StorageError, match="file is not a database"):
        Repository(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)


def test_writers_do_not_shut_readers_out(tmp_path: Path):
    Repository(f"sqlite:///{tmp_path / 'store.db'}", tmp_path).close()
    with sa.create_engine(f"sqlite:///{tmp_path / 'store.db'}").connect() as connection:
        assert connection.execute(sa.text("PRAGMA journal_mode")).scalar() == "wal"
