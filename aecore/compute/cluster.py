"""Runs on dask workers: a local one, started on first use, or those of a scheduler elsewhere."""

import contextlib
import logging
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import dask.config as dask_config
import psutil
from distributed import Client, KilledWorker, SubprocessCluster

from aecore.compute import guard, worker
from aecore.compute.backend import WorkerStatus
from aecore.errors import WorkerLost
from aecore.messages.events import Command, Device, Report
from aecore.messages.jobs import InferenceRequest, InferenceResult, Job, Memory
from aecore.settings import Settings

log = logging.getLogger(__name__)
START_SECONDS = 60
CALL_SECONDS = 10
INFER_SECONDS = 60
RESTART_SECONDS = 15  # a worker that was killed is back well before
GROWTH = 200_000_000  # bytes by which a worker with nothing to do may have grown
LOCAL = {  # settings of dask for the processes that are started here
    # A call to a worker that has just died should fail at once: on one machine nothing takes seconds to connect.
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s",
    "MALLOC_ARENA_MAX": "2",  # a worker has a thread for each run, and would keep memory for each of them
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",  # it looks at each thread a hundred times a second
    "DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "forkserver" if sys.platform == "linux" else "spawn",
}
PROJECT = str(Path(__file__).resolve().parents[2])


class DaskBackend:
    """Hands runs to dask; a local worker trains `Settings.runs_at_once` of them in turns.

    Args:
        settings: the scheduler's address, or the local worker's memory and idle time.
    """

    def __init__(self, settings: Settings):
        self._settings = settings
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._cluster: Any = None
        self._starting = False
        self._device: Any = None
        self._scratch: Path | None = None
        self._renewing = threading.Lock()
        self._open: set[str] = set()  # jobs that were handed in and not let go of

    def client(self) -> Client:
        """The connection to the scheduler; a local cluster that ended is started anew.

        Raises:
            WorkerLost: no worker came in time.
        """
        with self._lock:
            if self._client is not None and self._has_worker(self._client):
                return self._client
            self._starting = True
            try:
                self._discard()
                self._client = self._connect()
                self._client.wait_for_workers(1, timeout=START_SECONDS)
                self._device = self._client.submit(worker.warm_up, pure=False)
                return self._client
            except (OSError, TimeoutError, RuntimeError, ValueError) as error:
                self._discard()
                place = self._settings.scheduler or "this machine"
                raise WorkerLost(f"No worker could be reached on {place} ({error}); try again in a moment.") from None
            finally:
                self._starting = False

    def start(self, job: Job) -> "DaskHandle":
        client = self.client()
        with self._renewing:
            if not self._open:
                self._renew(client)
            self._open.add(job.key)
        future = client.submit(worker.run_job, job, key=job.key, pure=False, resources={"trainer": 1}, retries=0)
        return DaskHandle(client, future, job.key, lambda: self._open.discard(job.key))

    def collect(self, handles: Sequence["DaskHandle"]) -> list[list[Report] | WorkerLost]:
        ended = [handle.ended for handle in handles]  # before the last events are fetched
        found: dict[str, list[Report]] = {}
        silent: set[Client] = set()  # where a worker did not answer, which may have events that nobody else has
        for client in {handle.client for handle in handles}:
            acknowledged = {handle.key: handle.acknowledged for handle in handles if handle.client is client}
            if client.status == "running":
                try:
                    answers: Any = client.run(worker.read_events, acknowledged, on_error="return")
                except (OSError, TimeoutError, RuntimeError) as error:
                    answers = {"": error}
                for address, answer in answers.items():
                    if isinstance(answer, BaseException):
                        log.info("No events from the worker %s: %s", address, answer)
                        silent.add(client)
                    else:
                        found |= answer
        return [
            handle.received(found.get(handle.key), over and handle.client not in silent)
            for handle, over in zip(handles, ended, strict=True)
        ]

    def infer(self, request: InferenceRequest) -> InferenceResult | None:
        try:
            return self._inferred(request)
        except WorkerLost:  # it may just have been replaced
            return self._inferred(request)

    def _inferred(self, request: InferenceRequest) -> InferenceResult | None:
        client = self.client()
        # Always the same one, which has the model loaded already. It is not looked up in `scheduler_info`: the client
        # replaces that in the background every two seconds by one that names no workers.
        try:
            workers: Any = client.nthreads()
            first = min(workers, default=None)
        except (OSError, TimeoutError, RuntimeError):
            first = None
        if first is None:
            raise WorkerLost("The worker is not there; it is started again, try again in a moment.")
        future = client.submit(worker.infer, request, pure=False, workers=[first], allow_other_workers=True)
        try:
            return future.result(timeout=INFER_SECONDS)
        except TimeoutError:
            raise WorkerLost(f"The worker did not answer within {INFER_SECONDS} s; try again in a moment.") from None
        except (KilledWorker, CancelledError) as error:
            raise WorkerLost(f"The worker went away ({type(error).__name__}); try again in a moment.") from None
        finally:
            future.release()

    def status(self) -> WorkerStatus:
        client = self._client
        if self._starting:
            return WorkerStatus("starting")
        if client is None or client.status != "running":
            return WorkerStatus("off")
        device: Device | None = None
        if self._device is not None and self._device.status == "finished":
            with contextlib.suppress(Exception):
                device = self._device.result(timeout=1)
        address = str(client.scheduler.address) if client.scheduler else ""
        return WorkerStatus("ready", address, device)

    def prepare(self) -> None:
        if self.status().state == "off":
            threading.Thread(target=self._prepare, name="prepare-worker", daemon=True).start()

    def _prepare(self) -> None:
        try:
            self.client()
        except WorkerLost as error:  # whoever needs it tries again and is told
            log.info("No worker was prepared: %s", error)

    def memory(self) -> int:
        return sum(memory.resident for memory in self._memory().values())

    def idle(self) -> None:
        if self._client is None or self._client.status != "running":
            return
        with contextlib.suppress(OSError, TimeoutError, RuntimeError):
            self._client.run(worker.tidy, on_error="ignore")

    def _renew(self, client: Client) -> None:
        """Replaces a local worker that has grown, before it is given something to do.

        XLA keeps what it compiled for as long as a process lives.
        """
        if self._cluster is None:
            return
        for address, memory in self._memory().items():
            if memory.resident - memory.settled > GROWTH:
                log.info("The worker holds %d MB and is replaced", memory.resident // 1_000_000)
                with contextlib.suppress(OSError, TimeoutError, RuntimeError):
                    client.restart_workers([address], timeout=RESTART_SECONDS)

    def _memory(self) -> dict[str, Memory]:
        client = self._client
        if client is None or client.status != "running":
            return {}
        try:
            answers: Any = client.run(worker.memory, on_error="ignore")
        except (OSError, TimeoutError, RuntimeError):
            return {}
        return answers

    def close(self) -> None:
        with self._lock:
            self._discard()

    def _connect(self) -> Client:
        # Weights travel with the job or request that needs them, and dask need not advise against it.
        dask_config.set({"distributed.admin.large-graph-warning-threshold": "1 GB"})
        if self._settings.scheduler:
            return Client(self._settings.scheduler, timeout=CALL_SECONDS, set_as_default=False)
        path = os.environ.get("PYTHONPATH", "")
        if PROJECT not in path.split(os.pathsep):  # the worker must find aecore, wherever it was started
            os.environ["PYTHONPATH"] = os.pathsep.join([PROJECT, path]) if path else PROJECT
        for name, value in LOCAL.items():
            os.environ.setdefault(name, value)
        os.environ[guard.PARENT] = str(os.getpid())
        preload = [guard.__name__]
        self._scratch = _scratch_folder(self._settings.home / "tmp")
        threads = str(os.cpu_count() or 1)
        start: Any = SubprocessCluster  # its annotations forbid what its documentation asks for
        self._cluster = start(
            n_workers=1,
            # One for each run, and one so that encoding and decoding never wait behind them.
            threads_per_worker=self._settings.runs_at_once + 1,
            dashboard_address=None,
            scheduler_kwargs={
                "allowed_failures": 0,
                "idle_timeout": f"{self._settings.idle_minutes}m",
                "preload": preload,
                "scheduler_file": str(self._scratch / "scheduler.json"),
            },
            worker_kwargs={
                "resources": {"trainer": self._settings.runs_at_once},
                "memory_limit": self._settings.worker_memory,
                "death_timeout": 30,
                "preload_nanny": preload,
                "local_directory": str(self._scratch),
                "env": {
                    "OMP_NUM_THREADS": threads,
                    "OPENBLAS_NUM_THREADS": threads,
                    "MKL_NUM_THREADS": threads,
                    "TMPDIR": str(self._scratch),
                },
            },
        )
        return Client(self._cluster, timeout=START_SECONDS, set_as_default=False)

    @staticmethod
    def _has_worker(client: Client) -> bool:
        if client.status != "running":
            return False
        try:
            client.wait_for_workers(1, timeout=RESTART_SECONDS)
        except (OSError, TimeoutError, RuntimeError, ValueError):
            return False
        return True

    def _discard(self) -> None:
        client, cluster = self._client, self._cluster
        self._client = self._cluster = self._device = None
        lost = client is None or client.status != "running"
        with contextlib.suppress(Exception):  # it is going away; how it complains is of no use
            if client is not None:
                client.close(timeout=5)
        with contextlib.suppress(Exception):
            if cluster is not None and lost:  # its worker would outlive a scheduler that no longer answers
                cluster.sync(cluster.scheduler.close, callback_timeout=5)
                cluster.shutdown_scheduler = False
            if cluster is not None:
                cluster.close(timeout=5)
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None


class DaskHandle:
    """A job at a dask scheduler; see `aecore.compute.backend.Handle`."""

    def __init__(self, client: Client, future: Any, key: str, let_go: Callable[[], object]):
        self.client, self._future, self.key = client, future, key
        self._let_go = let_go
        self._worker: str | None = None
        self._begun = False
        self._told: list[Command] = []
        self.acknowledged = 0

    @property
    def ended(self) -> bool:
        """Whether nothing new will be reported."""
        return self._future.done() or self.client.status != "running"

    def received(self, events: list[Report] | None, ended: bool) -> list[Report] | WorkerLost:
        """What was fetched, or why there is nothing; also passes on commands that the worker has not heard yet.

        Args:
            events: those that were fetched; None where no worker has the job.
            ended: whether it had ended before they were fetched, and all workers have answered since.
        """
        if events is not None and self._told:
            with contextlib.suppress(OSError, TimeoutError, RuntimeError):
                self._told = [command for command in self._told if not self._call(worker.tell, self.key, command)]
        self._begun = self._begun or events is not None
        if not events and ended and not self._waits_again():
            return WorkerLost(self._reason())
        return events or []

    def tell(self, command: Command) -> None:
        try:
            if self._call(worker.tell, self.key, command):
                return
        except (OSError, TimeoutError, RuntimeError) as error:
            log.info("The worker of %s does not answer: %s", self.key, error)
        self._told.append(command)

    def acknowledge(self, number: int) -> None:
        self.acknowledged = number

    def close(self) -> None:
        with contextlib.suppress(OSError, TimeoutError, RuntimeError):
            self._call(worker.forget, self.key)
        self._future.release()
        self._let_go()

    def _call(self, function: Any, *arguments: Any) -> Any:
        """Calls a function on the job's worker, or on all until it is found; None where no worker has it."""
        if self.client.status != "running":
            return None
        workers = [self._worker] if self._worker else None
        answers: Any = self.client.run(function, *arguments, workers=workers, on_error="ignore")
        for address, answer in answers.items():
            if answer:
                self._worker = address
            if answer is not None and answer is not False:
                return answer
        self._worker = None
        return None

    def _waits_again(self) -> bool:
        """Hands a job in once more that only waited for its turn when the worker before it was lost."""
        if self._begun or self.client.status != "running" or self._future.status != "error":
            return False
        if not isinstance(self._future.exception(timeout=CALL_SECONDS), KilledWorker):
            return False
        self._future.retry()
        return True

    def _reason(self) -> str:
        if self.client.status != "running":
            return "The connection to the scheduler was lost."
        if self._future.status == "error":
            error = self._future.exception(timeout=CALL_SECONDS)
            if isinstance(error, KilledWorker):
                return "The worker was lost: it was killed, or ran out of memory."
            return f"The worker ended the run with an error ({type(error).__name__})."
        return "The worker forgot the run."


def _scratch_folder(root: Path) -> Path:
    """A folder for what a local cluster writes; those of programs that were killed are cleared away."""
    root.mkdir(parents=True, exist_ok=True)
    for old in root.glob("[0-9]*-*"):
        if not psutil.pid_exists(int(old.name.partition("-")[0])):
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=root))
