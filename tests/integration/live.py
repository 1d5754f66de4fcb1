"""What the tests with a real worker share: waiting, small models, weights, processes."""

import io
import os
import time
import zipfile
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import h5py
import numpy as np
import psutil

from aecore.compute.backend import Handle, WorkerStatus
from aecore.compute.cluster import DaskBackend
from aecore.errors import WorkerLost
from aecore.messages.events import Report
from aecore.messages.jobs import InferenceRequest, InferenceResult, Job
from aecore.schema import RunConfig
from aecore.service import Service
from aecore.store.views import RunView

T = TypeVar("T")
DEADLINE = 120.0
POLL_SECONDS = 0.02


def wait_for(condition: Callable[[], T], message: str, seconds: float = DEADLINE) -> T:
    """Returns the condition's first true value; fails with the message if none comes in time."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, message
        time.sleep(POLL_SECONDS)
    return value


def ended(service: Service, name: str, status: str) -> RunView:
    """Waits until a run is no longer active, and expects it to have ended like this."""
    wait_for(lambda: not service.runs.run(name).active, f"{name} goes on: {service.runs.run(name)}")
    run = service.runs.run(name)
    assert run.status == status, run
    return run


def reaches(service: Service, name: str, position: float) -> RunView:
    """Waits until an active run has trained this far, in epochs."""

    def there() -> bool:
        run = service.runs.run(name)
        assert run.active or run.position >= position, run
        return run.position >= position

    wait_for(there, f"{name} never came to epoch {position}")
    return service.runs.run(name)


def small(**values: Any) -> RunConfig:
    """A vanilla autoencoder of 13,000 weights on the digits; an epoch takes about 10 ms."""
    return RunConfig.make("vanilla", "digits", None, {"code_size": 8, "epochs": 3, "batch_size": 128, **values})


def weights(model: bytes) -> dict[str, np.ndarray]:
    """The arrays in a Keras file, by their path in it."""
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        file = h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r")
    found: dict[str, np.ndarray] = {}

    def keep(path: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset):
            found[path] = np.asarray(node)

    with file:
        file.visititems(keep)
    assert found
    return found


def same_weights(one: bytes, other: bytes) -> bool:
    """Whether two Keras files hold the same numbers, to the last bit."""
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def worker_of(backend: DaskBackend) -> psutil.Process:
    """The process of a backend's only worker."""
    answers: Any = backend.client().run(os.getpid)
    (pid,) = answers.values()
    return psutil.Process(pid)


def scheduler_of(backend: DaskBackend) -> psutil.Process:
    """The process of a backend's scheduler."""
    pid: Any = backend.client().run_on_scheduler(os.getpid)
    return psutil.Process(pid)


def tree(pid: int) -> list[psutil.Process]:
    """All processes that a process has started, with theirs."""
    return psutil.Process(pid).children(recursive=True)


def still_there(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended; one that nobody has asked for its exit status has ended."""
    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


class Borrowed:
    """A worker that outlives the service which uses it."""

    def __init__(self, backend: DaskBackend):
        self._backend = backend

    def start(self, job: Job) -> Handle:
        return self._backend.start(job)

    def collect(self, handles: Sequence[Any]) -> list[list[Report] | WorkerLost]:
        return self._backend.collect(handles)

    def find(self, keys: Sequence[str]) -> dict[str, Any]:
        return self._backend.find(keys)

    def infer(self, request: InferenceRequest) -> InferenceResult | None:
        return self._backend.infer(request)

    def status(self) -> WorkerStatus:
        return self._backend.status()

    def prepare(self) -> None:
        self._backend.prepare()

    def memory(self) -> int:
        return self._backend.memory()

    def idle(self) -> None:
        self._backend.idle()

    def close(self) -> None:
        """Left to its owner."""
