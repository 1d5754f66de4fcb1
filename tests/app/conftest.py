"""The dashboard without a browser: Streamlit's AppTest over the real service, with a scripted worker."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner import script_runner
from streamlit.testing.v1 import AppTest

from aecore import service as service_module
from aecore.compute import worker as compute_worker
from aecore.compute.backend import WorkerStatus
from aecore.errors import WorkerLost
from aecore.messages.channel import Channel
from aecore.messages.events import (
    Baseline,
    Checkpoint,
    Command,
    Device,
    EpochDone,
    Event,
    Finished,
    Progress,
    Report,
    Snapshot,
    Started,
)
from aecore.messages.jobs import InferenceRequest, InferenceResult, Job
from tests.app.reader import APP, CHECKPOINTS, visit

METRICS = {"mse": 0.0123, "psnr": 19.5, "knn5_accuracy": 0.91, "pca_mse": 0.0234, "pca_knn5_accuracy": 0.87}


class ScriptedWorker:
    """A backend whose runs report two epochs at once and end when the test lets them."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.commands: list[Command] = []
        self.end = threading.Event()
        self.visualizations: dict[str, np.ndarray] = {}  # what a variant has to show beside the usual
        self.parts: dict[str, float] = {}

    def start(self, job: Job) -> "ScriptedHandle":
        self.jobs.append(job)
        return ScriptedHandle(self, job)

    def collect(self, handles: Sequence["ScriptedHandle"]) -> list[list[Report] | WorkerLost]:
        return [handle.read() for handle in handles]

    def find(self, keys: Sequence[str]) -> dict[str, "ScriptedHandle"]:
        return {}

    def status(self) -> WorkerStatus:
        return WorkerStatus("ready", "nowhere", Device("cpu", "CPU, 2 cores", "scripted"))

    def infer(self, request: InferenceRequest) -> InferenceResult | None:
        """Pretrained models are really asked, in this process; the script's runs have no weights."""
        return compute_worker.infer(request)

    def prepare(self) -> None:
        """It is ready."""

    def memory(self) -> int:
        return 0

    def idle(self) -> None:
        """Nothing has to be tidied up."""

    def close(self) -> None:
        self.end.set()


class ScriptedHandle:
    """Hands over the script's events, then its end."""

    def __init__(self, worker: ScriptedWorker, job: Job):
        self._worker, self._done = worker, False
        self._channel, self._acknowledged = Channel(), 0
        units = job.config["fields"]["code_size"]
        total = job.config["fields"]["epochs"]
        rng = np.random.default_rng(0)
        arrays = {
            "clean": rng.integers(0, 255, (10, 28, 28), dtype=np.uint8),
            "corrupted": rng.integers(0, 255, (10, 28, 28), dtype=np.uint8),
            "outputs": rng.integers(0, 255, (10, 28, 28), dtype=np.uint8),
            "tiles": rng.normal(size=(8, 28, 28)).astype(np.float16),
            "codes": rng.normal(size=(50, units)).astype(np.float16),
            "labels": (np.arange(50) % 10).astype(np.uint8),
            "indices": np.arange(50, dtype=np.int32),
            **worker.visualizations,
        }
        events: list[Event] = [
            Started(Device("cpu", "CPU, 2 cores", "scripted"), 1234, 23, 1437, 360, total),
            EpochDone(1, "training", 0.05, 0.04, 0.1, 9000.0, 0.003, worker.parts),
            EpochDone(2, "training", 0.03, 0.02, 0.1, 9000.0, 0.003, worker.parts),
            Progress(2.0, 0.03, 9000.0, 0.003, "training"),
            Baseline(0.025),
            Snapshot(2.0, arrays),
            Checkpoint(2, 0, b"checkpoint"),
        ]
        for event in events:
            self._channel.emit(event)
        if job.command:
            self.tell(job.command)

    def read(self) -> list[Report]:
        if self._worker.end.is_set() and not self._done:
            self._done = True
            self._channel.emit(Finished("finished", METRICS, b"model"))
        return self._channel.read(self._acknowledged)

    def acknowledge(self, number: int) -> None:
        self._acknowledged = number

    def tell(self, command: Command) -> None:
        self._worker.commands.append(command)
        if command.action:
            self._done = True
            self._channel.emit(Finished("paused" if command.action == "pause" else "stopped", METRICS, b"model"))

    def leave(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing is kept beyond the handle."""


@pytest.fixture(scope="session", autouse=True)
def _no_more_work_than_a_server() -> Iterator[None]:
    """Spares each drawing two things: half of a page test's time went there.

    Streamlit looks for components in all installed packages at every drawing; here they stay the same. It also clears
    Keras where that is loaded, and only here it is: a dashboard's models are in its worker.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        patch.setattr(script_runner, "_clean_problem_modules", lambda: None)
        yield


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A fresh store and a scripted worker behind the dashboard's one service."""
    scripted = ScriptedWorker()
    for name in ("AECORE_DATA_DIR", "AECORE_SCHEDULER", "AECORE_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AECORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(service_module, "_dask", lambda settings: scripted)
    st.cache_resource.clear()
    st.cache_data.clear()
    yield scripted
    st.cache_resource.clear()  # closes the service


@pytest.fixture
def checkpoints(worker: ScriptedWorker, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this project's pretrained models, in use."""
    del worker
    monkeypatch.setenv("AECORE_CHECKPOINTS", str(CHECKPOINTS))
    return CHECKPOINTS


@pytest.fixture
def app(worker: ScriptedWorker) -> AppTest:
    """Home, drawn once."""
    del worker
    test = AppTest.from_file(APP, default_timeout=60).run()
    assert not test.exception
    return test


@pytest.fixture
def train(worker: ScriptedWorker) -> AppTest:
    """The Train page, drawn once."""
    del worker
    return visit("train")


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Callable[[], str]], tuple[Path, str]]:
    """Homes in which something was trained, once for all tests."""

    @cache
    def home(train: Callable[[], str]) -> tuple[Path, str]:
        folder = tmp_path_factory.mktemp("trained")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AECORE_HOME", str(folder))
            return folder, train()

    return home


@pytest.fixture
def trained_once(
    worker: ScriptedWorker, _homes: Callable[[Callable[[], str]], tuple[Path, str]]
) -> Callable[[Callable[[], str]], str]:
    """Takes a function that trains a run and returns its name, and gives the test a copy of the home it trained in."""
    del worker

    def use(train: Callable[[], str]) -> str:
        folder, name = _homes(train)
        shutil.copytree(folder, os.environ["AECORE_HOME"], dirs_exist_ok=True)
        return name

    return use
