"""A warm dask worker for all, and services of their own on it."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aecore.compute import local
from aecore.compute.cluster import DaskBackend
from aecore.service import Service
from aecore.settings import Settings
from tests.integration.live import Borrowed


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`AECORE_DATA_DIR` of this process and, since they inherit it, of all workers started from it; empty at first."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AECORE_")]:
            patch.delenv(name)
        patch.setenv("AECORE_DATA_DIR", str(folder))
        patch.setenv("AECORE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("AECORE_CHECKPOINTS", str(tmp_path_factory.mktemp("no-shipped-models")))
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        yield folder


@pytest.fixture(scope="session")
def warm(data_dir: Path) -> Iterator[DaskBackend]:
    """One local worker for all tests that do not harm it."""
    yield from _closed(DaskBackend(Settings.from_env()))


@pytest.fixture
def settings(data_dir: Path, tmp_path: Path) -> Settings:
    """A home of its own."""
    return Settings(home=tmp_path, data_dir=data_dir, database_url=f"sqlite:///{tmp_path / 'aecore.db'}")


@pytest.fixture
def open_service(warm: DaskBackend) -> Iterator[Callable[[Settings], Service]]:
    """Opens services on the warm worker and closes them at the end."""
    opened: list[Service] = []

    def open_one(settings: Settings) -> Service:
        opened.append(Service(settings, Borrowed(warm)))
        return opened[-1]

    yield open_one
    for service in opened:
        service.close()


@pytest.fixture
def service(open_service: Callable[[Settings], Service], settings: Settings) -> Service:
    """A service with an empty store on the warm worker."""
    return open_service(settings)


@pytest.fixture(scope="session")
def fragile(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskBackend]:
    """Another local cluster with a place for one run, for the tests that kill parts of it or wait for it."""
    home = tmp_path_factory.mktemp("fragile")  # or it would share the warm worker
    yield from _closed(DaskBackend(replace(Settings.from_env(), home=home, runs_at_once=1)))


def _closed(backend: DaskBackend) -> Iterator[DaskBackend]:
    """Closes a backend after use; what a failed test left training would go on."""
    yield backend
    address = backend.status().where
    backend.close()
    process = local.started.pop(address, None)
    if process is not None:
        process.kill()
        process.wait()


@pytest.fixture
def fragile_service(fragile: DaskBackend, settings: Settings) -> Iterator[Service]:
    """A service with an empty store on the fragile worker."""
    service = Service(settings, Borrowed(fragile))
    yield service
    service.close()
