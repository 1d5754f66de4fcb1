"""What the environment sets, and what holds where it says nothing."""

from pathlib import Path

import pytest

from aecore.errors import BadInput, StorageError
from aecore.settings import KERAS_DATASETS, Settings
from aecore.store.repository import Repository

DATABASES_WITH_A_PASSWORD = [
    "postgresql://user:secret@host/db",
    "postgresql://user:secret@host:port/db",
    "postgresql://host/db?user=me&password=secret",
    "nothing://user:secret@host/db",
    "user:secret@host",
]


def test_without_a_word_everything_lies_under_home(home: Path):
    settings = Settings.from_env()
    assert settings.home == home
    assert settings.store_url == f"sqlite:///{home / 'aecore.db'}"
    assert home in settings.download_dir.parents
    assert (settings.data_dir, settings.scheduler, settings.data_url) == (None, None, KERAS_DATASETS)


def test_settings_made_by_hand_open_the_same_store(tmp_path: Path):
    settings = Settings(home=tmp_path)
    store = Repository(settings.store_url, tmp_path / "runs")
    store.close()
    assert list(tmp_path.glob("*.db"))


def test_the_environment_is_read(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AECORE_DATA_DIR", "~/digits")
    monkeypatch.setenv("AECORE_DATA_URL", "http://mirror/keras")
    monkeypatch.setenv("AECORE_REUTERS_URL", "http://mirror/reuters")
    monkeypatch.setenv("AECORE_GLOVE_URL", "https://mirror/glove/")
    monkeypatch.setenv("AECORE_SCHEDULER", "tcp://host:8786")
    monkeypatch.setenv("AECORE_IDLE_MINUTES", "2.5")
    settings = Settings.from_env()
    assert settings.data_dir == Path("~/digits").expanduser()
    assert settings.data_url == "http://mirror/keras/", "file names are appended to it"
    assert (settings.reuters_url, settings.glove_url) == ("http://mirror/reuters/", "https://mirror/glove/")
    assert (settings.scheduler, settings.idle_minutes) == ("tcp://host:8786", 2.5)


@pytest.mark.parametrize("minutes", ["soon", "nan", "-1"])
def test_idle_minutes_that_are_none(minutes: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AECORE_IDLE_MINUTES", minutes)
    with pytest.raises(BadInput, match=f"AECORE_IDLE_MINUTES takes .*; received '{minutes}'"):
        Settings.from_env()


@pytest.mark.parametrize("url", DATABASES_WITH_A_PASSWORD)
def test_a_password_is_never_shown(url: str, tmp_path: Path):
    with pytest.raises(StorageError) as caught:
        Repository(url, tmp_path)
    assert "secret" not in str(caught.value)
    assert "secret" not in str(caught.value.__cause__)
