"""Follows runs: hands them to a worker, stores what they report, passes commands on, and ends them in words."""

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace

from aecore.compute.backend import Backend, Handle
from aecore.errors import AecoreError, StorageError, WorkerLost
from aecore.messages.events import Command, Event, Failed, Finished
from aecore.messages.jobs import Job
from aecore.schema import Status
from aecore.store.repository import Repository
from aecore.store.views import RunView

log = logging.getLogger(__name__)
FOLLOW_SECONDS = 0.2
CLOSE_SECONDS = 5
PROGRAM_ENDED = "The program that trained this run ended."


class Follower:
    """All runs that this process trains; each is followed by a thread, or by whoever iterates over it.

    Args:
        store: where events go.
        backend: where runs are computed in the background.
    """

    def __init__(self, store: Repository, backend: Backend):
        self._store, self._backend = store, backend
        self._lock = threading.Lock()
        self._handles: dict[str, Handle] = {}
        self._early: dict[str, list[Command]] = {}  # told before the worker was there
        self._threads: set[threading.Thread] = set()
        self._unstored: dict[str, tuple[int, Status, str]] = {}
        self._closing = threading.Event()

    def close(self) -> None:
        """Ends the following; active runs stay resumable from their last checkpoint."""
        self._closing.set()
        for thread in list(self._threads):
            thread.join(CLOSE_SECONDS)

    def recover(self) -> None:
        """Ends the runs of programs that are gone."""
        for run in self._store.orphans():
            message = f"{PROGRAM_ENDED} {self._way_on(run.id)}"
            self._store.end(run.id, run.attempt, "interrupted", message)

    def start(self, job: Job, command: Command | None = None) -> None:
        """Trains in the background; `command` is told from the start."""
        self._early[job.run] = []
        job = replace(job, command=command)  # sent along, so that no step is taken before it is heard
        thread = threading.Thread(target=self._background, args=(job,), name=f"follow {job.run}", daemon=True)
        self._threads.add(thread)
        thread.start()

    def tell(self, run: str, command: Command) -> bool:
        """Passes a command on, at once or as soon as the worker is there; returns whether the run is followed."""
        with self._lock:
            handle = self._handles.get(run)
            if handle is None and run in self._early:
                self._early[run].append(command)
                return True
        if handle is not None:
            handle.tell(command)
        return handle is not None

    def _background(self, job: Job) -> None:
        try:
            for _ in self.follow(job, self._backend):
                continue
        except Exception as error:  # the thread's end must not leave a run that looks alive
            log.exception("Following the run %s failed", job.run)
            self._end(job, "interrupted", f"The run could not be followed ({type(error).__name__}); see the log.")
        finally:
            self._threads.discard(threading.current_thread())

    def follow(self, job: Job, backend: Backend) -> Iterator[Event]:
        """Hands a job in and stores what it reports, until its last event; yields each event after it was stored."""
        self._early.setdefault(job.run, [])
        try:
            handle = backend.start(job)
        except Exception as error:
            del self._early[job.run]
            if not isinstance(error, WorkerLost):
                raise
            self._end(job, "interrupted", str(error))
            yield Failed(str(error))
            return
        with self._lock:
            self._handles[job.run] = handle
            early = self._early.pop(job.run)
        for command in early:
            handle.tell(command)
        try:
            yield from self._drain(job, handle)
        finally:
            with self._lock:
                if self._handles.get(job.run) is handle:
                    del self._handles[job.run]
            handle.close()
            # Nothing is left to end where the last event was stored; else nobody watches any more.
            self._end(job, "interrupted", f"{PROGRAM_ENDED} {self._way_on(job.run)}")

    def _drain(self, job: Job, handle: Handle) -> Iterator[Event]:
        while not self._closing.is_set():
            try:
                for event in handle.take():
                    if not self._store.apply(job.run, job.attempt, [event]):
                        return
                    yield event
                    if isinstance(event, Finished | Failed):
                        return
            except WorkerLost as error:
                message = f"{error} {self._way_on(job.run)}"
                self._end(job, "interrupted", message)
                yield Failed(message)
                return
            except StorageError as error:
                handle.tell(Command(action="pause"))
                self._end(job, "interrupted", f"{error} {self._way_on(job.run)}")
                yield Failed(str(error))
                return
            self._closing.wait(FOLLOW_SECONDS)

    def _end(self, job: Job, status: Status, message: str) -> None:
        if self._unstored.get(job.run, (0,))[0] == job.attempt:
            return  # it has ended already, and waits for space in the store
        try:
            self._store.end(job.run, job.attempt, status, message)
        except AecoreError:
            log.exception("The end of the run %s could not be stored", job.run)
            self._unstored[job.run] = (job.attempt, status, message)

    def as_ended(self, run: RunView) -> RunView:
        """A run whose end found no space in the store is shown as it ended; its end is stored once there is some."""
        attempt, status, message = self._unstored.get(run.id, (0, run.status, run.message))
        if not attempt:
            return run
        try:
            self._store.end(run.id, attempt, status, message)
            self._unstored.pop(run.id, None)
        except StorageError:
            log.debug("The end of the run %s still cannot be stored", run.id)
        return replace(run, status=status, message=message, stage="") if run.attempt == attempt else run

    def _way_on(self, name: str) -> str:
        epoch = self._store.checkpoint_epoch(name)
        return f"Resume goes on from epoch {epoch:.3g}." if epoch else "Resume starts it again from the beginning."
