"""Runs on dask workers: a local one, started on first use, or those of a scheduler elsewhere."""

import contextlib
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import dask.config as dask_config
from distributed import Client, Future, KilledWorker, fire_and_forget

from aecore.compute import local, worker
from aecore.compute.backend import WorkerStatus
from aecore.compute.versions import other_versions, versions
from aecore.errors import WorkerLost
from aecore.messages.events import Command, Device, Report
from aecore.messages.jobs import InferenceRequest, InferenceResult, Job, Memory
from aecore.settings import Settings

log = logging.getLogger(__name__)
START_SECONDS = 60
CALL_SECONDS = 10
CLOSE_SECONDS = 10
FOUND_SECONDS = 2  # in which a worker answers that was found on this machine
INFER_SECONDS = 60
RESTART_SECONDS = 15  # a worker that was killed is back well before
GROWTH = 200_000_000  # bytes by which a worker with nothing to do may have grown


class DaskBackend:
    """Hands runs to dask; a local worker trains `Settings.runs_at_once` of them in turns.

    Args:
        settings: the scheduler's address, or the local worker's memory and idle time.
    """

    def __init__(self, settings: Settings):
        self._settings = settings
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._starting = False
        self._device: Any = None
        self._renewing = threading.Lock()

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
                self._refuse_other_versions(self._client)
                self._device = self._client.submit(worker.warm_up, pure=False)
                return self._client
            except WorkerLost:
                self._discard()
                raise
            except (OSError, TimeoutError, RuntimeError, ValueError) as error:
                self._discard()
                place = self._settings.scheduler or "this machine"
                raise WorkerLost(f"No worker could be reached on {place} ({error}); try again in a moment.") from None
            finally:
                self._starting = False

    def start(self, job: Job) -> "DaskHandle":
        client = self.client()
        with self._renewing:
            self._renew(client)
            future = client.submit(worker.run_job, job, key=job.key, pure=False, resources={"trainer": 1}, retries=0)
            fire_and_forget(future)  # it goes on when this program goes away
        return DaskHandle(client, future, job.key)

    def find(self, keys: Sequence[str]) -> dict[str, "DaskHandle"]:
        if not keys or (self._settings.scheduler is None and local.find(self._folder) is None):
            return {}
        client = self.client()
        there: Any = client.run_on_scheduler(worker.going_on, list(keys))
        return {key: DaskHandle(client, Future(key, client), key) for key in there}

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
        """Replaces a local worker that has grown and has nothing to do, before it is given a run.

        XLA keeps what it compiled for as long as a process lives.
        """
        if self._settings.scheduler is not None:
            return
        for address, memory in self._memory().items():
            if memory.resident - memory.settled > GROWTH and not self._is_busy():
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
            busy, address = self._is_busy(), self.status().where
            self._discard()
        if not busy:
            local.wait_until_ended(address, CLOSE_SECONDS)

    def _is_busy(self) -> bool:
        """Whether the workers have something to do."""
        if self._client is None or self._client.status != "running":
            return False
        try:
            processing: Any = self._client.processing()
        except (OSError, TimeoutError, RuntimeError):
            return False
        return any(processing.values())

    def _connect(self) -> Client:
        # Weights travel with the job or request that needs them, and dask need not advise against it.
        dask_config.set({"distributed.admin.large-graph-warning-threshold": "1 GB"})
        settings = self._settings
        if settings.scheduler:
            return Client(settings.scheduler, timeout=CALL_SECONDS, set_as_default=False)
        address = local.find(self._folder)
        if address is not None:
            try:
                found = Client(address, timeout=FOUND_SECONDS, set_as_default=False)
                found.wait_for_workers(1, timeout=RESTART_SECONDS)
                self._refuse_other_versions(found)
                return found
            except (OSError, TimeoutError, WorkerLost) as error:
                log.info("Another worker is started: %s", error)
        address = local.start(self._folder, settings.runs_at_once, settings.worker_memory, settings.idle_minutes)
        return Client(address, timeout=CALL_SECONDS, set_as_default=False)

    @property
    def _folder(self) -> Path:
        """Where local workers have their folders."""
        return self._settings.home / "tmp"

    @staticmethod
    def _refuse_other_versions(client: Client) -> None:
        """Refuses workers that would misread what is sent to them.

        Raises:
            WorkerLost: one has another version of this project, of Keras or of TensorFlow.
        """
        answers: Any = client.run(versions, on_error="return")
        for address, there in answers.items():
            differs = other_versions(there if isinstance(there, dict) else {})
            if differs:
                raise WorkerLost(
                    f"The worker at {address} has {differs}: install the same on both, and start it again."
                )

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
        client, self._client, self._device = self._client, None, None
        with contextlib.suppress(Exception):  # it is going away; how it complains is of no use
            if client is not None:
                client.close(timeout=5)


class DaskHandle:
    """A job at a dask scheduler; see `aecore.compute.backend.Handle`."""

    def __init__(self, client: Client, future: Any, key: str):
        self.client, self._future, self.key = client, future, key
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

    def leave(self) -> bool:
        return self.client.status == "running"

    def close(self) -> None:
        with contextlib.suppress(OSError, TimeoutError, RuntimeError):
            self._call(worker.forget, self.key)
        with contextlib.suppress(OSError, TimeoutError, RuntimeError):
            self._future.cancel(force=True)  # where it still waits, nobody wants it any more

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
