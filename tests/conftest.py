"""What all tests share: nothing is read from or written to the folders of whoever runs them."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.remote import Remote

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


# What shares a server, a browser or a dask worker stays in one process; the longest groups begin first.
GROUPS = ("tests/e2e", "tests/integration/test_cli", "tests/app/test_train", "tests/integration/test_worker_lost",
          "tests/contract", "tests/integration", "tests/app")  # fmt: skip
HARMFUL = {"fragile", "fragile_service"}


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups then
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs a worker, and groups tests by what they share, for pytest-xdist's `loadgroup`."""
    rank = {}
    for item in items:
        file, fixtures = item.nodeid.partition("::")[0], set(getattr(item, "fixturenames", ()))
        if file.startswith("tests/integration"):
            item.add_marker(pytest.mark.worker)
        if file.startswith("tests/e2e"):
            group = "browser"
        elif fixtures & HARMFUL:
            group = "fragile worker"
        elif "warm" in fixtures:
            group = "warm worker"
        else:
            group = file
        item.add_marker(pytest.mark.xdist_group(group))
        rank[item] = next((k for k, start in enumerate(GROUPS) if file.startswith(start)), len(GROUPS))
    items.sort(key=rank.__getitem__)


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home for the whole session; the folder with the full data, if one is named, stays in use."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AECORE_") and name != "AECORE_DATA_DIR"]:
            patch.delenv(name)
        patch.setenv("AECORE_HOME", str(tmp_path_factory.mktemp("aecore")))
        patch.setenv("AECORE_CHECKPOINTS", str(tmp_path_factory.mktemp("no-shipped-models")))
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home for one test, on a machine where no dataset but digits is to be found."""
    folder = tmp_path / "home"
    monkeypatch.setenv("AECORE_HOME", str(folder))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("AECORE_DATA_DIR", raising=False)
    return folder


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Remote() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.silent.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def no_punkt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which NLTK finds none of its data in the folders that it searches itself."""
    import nltk.data

    monkeypatch.setattr(nltk.data, "path", [])
