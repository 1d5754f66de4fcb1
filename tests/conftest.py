"""What all tests share: nothing is read from or written to the folders of whoever runs them."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.remote import Remote

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if "PYTEST_XDIST_WORKER" in os.environ:
    # Several processes share the cores: threads that wait for each other would take much of the time.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")


# What shares a server, a browser or a dask worker stays in one process; the longest begin first.
TOGETHER = ("tests/e2e/test_journeys", "tests/e2e/", "tests/integration/test_cli", "tests/integration/test_worker_lost",
            "tests/integration/test_server_lost", "tests/integration/test_out_of_reach",
            "tests/integration/test_pretrained", "tests/integration/")  # fmt: skip
FIRST = (*TOGETHER, "tests/app/test_train", "tests/contract/", "tests/app/")


def _group(nodeid: str) -> str:
    """What a test shares with others: one of `TOGETHER`, or its file."""
    file = nodeid.partition("::")[0]
    return next((start for start in TOGETHER if file.startswith(start)), file)


class _Grouped(LoadScopeScheduling):
    """Gives each process of pytest-xdist one group after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    config.option.loadscopereorder = False  # by duration, not by number of tests
    return _Grouped(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs a worker, and puts what takes longest first."""
    for item in items:
        if item.nodeid.startswith("tests/integration/"):
            item.add_marker(pytest.mark.worker)
    items.sort(key=lambda item: next((k for k, start in enumerate(FIRST) if item.nodeid.startswith(start)), len(FIRST)))


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
