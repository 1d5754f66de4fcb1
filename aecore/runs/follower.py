"""Follows runs: hands them to a worker, stores what they report, passes commands on, and ends them in words."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from aecore.compute.backend import Backend, Handle
from aecore.errors import AecoreError, StorageError, StoreBusy, WorkerLost
from aecore.messages.events import Command, Event, Failed, Finished, Report
from aecore.messages.jobs import Job, job_key
from aecore.runs.limits import overrun
from aecore.schema import RunConfig, Status
from aecore.settings import Limits
from aecore.store.repository import Repository
from aecore.store.views import RunView

log = logging.getLogger(__name__)
FOLLOW_SECONDS = 0.2
FOLLOW_SECONDS_A_RUN = 0.01  # many runs are looked at less often, or they would be hindered by it
CLOSE_SECONDS = 5
RECONNECT_SECONDS = 60  # for which a worker that is out of reach may be found again
GOES_ON = 3  # times that a run is taken up again by itself
PROGRAM_ENDED = "The program that trained this run ended."


class Follower:
    """All runs that this process trains: those in the background by one thread, one in the foreground by its caller.

    Args:
        store: where events go.
        backend: where runs are computed in the background.
        limits: of a workspace; a run that reaches one is paused.
    """

    def __init__(self, store: Repository, backend: Backend, limits: Limits):
        self._store, self._backend, self._limits = store, backend, limits
        self._overrun: dict[str, str] = {}  # why a run was paused, until it has
        self._lock = threading.Lock()
        self._followed: dict[str, tuple[Job, Handle]] = {}  # in the background
        self._threads: set[threading.Thread] = set()
        self._collecting = False
        self._unstored: dict[str, tuple[int, Status, str]] = {}
        self._closing, self._asked = threading.Event(), threading.Event()

    def close(self) -> None:
        """Ends the following; runs at a worker of its own go on, for the next program to find, and others end."""
        self._closing.set()
        self.wake()
        for thread in list(self._threads):
            thread.join(CLOSE_SECONDS)

    def recover(self) -> None:
        """Takes up the runs of programs that are gone: follows those that go on at a worker, and ends the others."""
        orphans = self._store.orphans()
        if not orphans:
            return
        try:
            handles = self._backend.find([job_key(run.id, run.attempt) for run in orphans])
        except (WorkerLost, OSError, TimeoutError, RuntimeError, ImportError) as error:
            log.warning("Runs that may still go on cannot be found: %s", error)
            handles = {}
        for run in orphans:
            handle = handles.get(job_key(run.id, run.attempt))
            if handle is None:
                message = f"{PROGRAM_ENDED} {self._way_on(run.id)}"
                self._store.end(run.id, run.attempt, "interrupted", message)
                continue
            adopted = self._store.adopt(run.id, run.attempt)
            if adopted is not None:
                job, stored = adopted
                handle.acknowledge(stored)
                self._followed_from_now(job, handle)

    def start(self, job: Job, command: Command | None = None) -> None:
        """Trains in the background; `command` is told from the start."""
        job = replace(job, command=command)  # sent along, so that no step is taken before it is heard
        self._in_thread(f"start {job.run}", lambda: self._begin(job))

    def wake(self) -> None:
        """Has commands passed on at once that were stored for a run; without it they wait for the next look."""
        self._asked.set()

    def waiting_before(self, run: RunView) -> int:
        """How many runs, of whomever, are ahead of a queued one."""
        others = [other for other in self._store.active_runs() if other.id != run.id]
        return sum(other.status != "queued" or other.updated < run.updated for other in others)

    def follow(self, job: Job, backend: Backend) -> Iterator[Event]:
        """Hands a job in and stores what it reports, until its last event; yields each event after it was stored."""
        try:
            handle = self._handed_in(job, backend)
        except WorkerLost as error:
            yield Failed(str(error))
            return
        try:
            over = False
            while not over and not self._closing.is_set():
                self._pass_on({job.run: (job, handle)})
                events, over = self._stored(job, handle, backend.collect([handle])[0])
                yield from events
                if not over:
                    self._wait(FOLLOW_SECONDS)
        finally:
            self._let_go(job, handle)

    # Inside

    def _in_thread(self, name: str, work: Callable[[], None]) -> None:
        def whole() -> None:
            try:
                work()
            finally:
                self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=whole, name=name, daemon=True)
        self._threads.add(thread)
        thread.start()

    def _begin(self, job: Job) -> None:
        """Hands a job in, which may take as long as a worker takes to start, and sees to it that it is followed."""
        try:
            handle = self._handed_in(job, self._backend)
        except WorkerLost:
            return
        except Exception as error:  # nobody else ends what looks alive
            self._give_up(job, error)
            return
        self._followed_from_now(job, handle)

    def _followed_from_now(self, job: Job, handle: Handle) -> None:
        with self._lock:
            self._followed[job.run] = (job, handle)
            start, self._collecting = not self._collecting, True
        if start:
            self._in_thread("collect events", self._collect)

    def _collect(self) -> None:
        """Fetches and stores the events of all runs in the background, until there is none left."""
        while True:
            with self._lock:
                followed = list(self._followed.values())
                self._collecting = bool(followed) and not self._closing.is_set()
                if not self._collecting:
                    break
            try:
                self._pass_on({job.run: (job, handle) for job, handle in followed})
                batches = self._backend.collect([handle for _, handle in followed])
            except Exception as error:
                for job, handle in followed:
                    self._give_up(job, error)
                    self._leave(job, handle)
                continue
            out_of_reach = [k for k, batch in enumerate(batches) if isinstance(batch, WorkerLost)]
            found = self._found_again([followed[k][0] for k in out_of_reach]) if out_of_reach else {}
            for (job, handle), batch in zip(followed, batches, strict=True):
                if isinstance(batch, WorkerLost) and job.key in found:
                    self._followed_again(job, handle, found[job.key])
                    continue
                over = True
                try:
                    _, over = self._stored(job, handle, batch)
                except Exception as error:
                    self._give_up(job, error)
                if over:
                    self._leave(job, handle)
                if isinstance(batch, WorkerLost) and not self._closing.is_set():
                    self._go_on(job)
            self._wait(max(FOLLOW_SECONDS, len(followed) * FOLLOW_SECONDS_A_RUN))
        for job, handle in followed:
            self._leave_behind(job, handle)
        if not followed:
            self._backend.idle()

    def _found_again(self, jobs: list[Job]) -> dict[str, Handle]:
        """New handles of the jobs that go on where only the connection to their worker was lost, by their key."""
        end = time.monotonic() + RECONNECT_SECONDS
        while not self._closing.is_set():
            try:
                return self._backend.find([job.key for job in jobs])
            except (WorkerLost, OSError, TimeoutError, RuntimeError, ImportError) as error:
                log.info("The worker is out of reach: %s", error)
                if time.monotonic() > end:
                    break
                self._closing.wait(FOLLOW_SECONDS)
        return {}

    def _followed_again(self, job: Job, old: Handle, new: Handle) -> None:
        """Reads on where the connection was lost."""
        with self._lock:
            if self._followed.get(job.run, (job, None))[1] is not old:
                return
            self._followed[job.run] = job, new
        new.acknowledge(self._store.reported(job.run))

    def _leave_behind(self, job: Job, handle: Handle) -> None:
        """Leaves a run to the next program; where it cannot go on without this one, it ends."""
        try:
            if handle.leave():
                self._store.release(job.run, job.attempt)
                return
        except AecoreError:
            log.exception("The run %s could not be left behind", job.run)
        self._end(job, "interrupted", f"{PROGRAM_ENDED} {self._way_on(job.run)}")

    def _leave(self, job: Job, handle: Handle) -> None:
        with self._lock:
            if self._followed.get(job.run, (job, None))[1] is handle:  # it may have been resumed meanwhile
                del self._followed[job.run]
        self._let_go(job, handle)

    def _go_on(self, job: Job) -> None:
        """Takes a run up again whose worker was lost, unless that has not helped."""
        if job.command is not None and job.command.action:
            return  # it was about to end
        try:
            times = self._store.continued(job.run)
            if not 0 <= times < GOES_ON:
                return
            again = self._store.begin_attempt(job.run, RunConfig.from_json(job.config), job.until, by_itself=True)
            where = f"from epoch {self._store.checkpoint_epoch(job.run):.3g}"
            message = f"Its worker was lost, and it went on by itself {where} ({times + 1} of at most {GOES_ON} times)."
            self._store.note(job.run, message)
        except AecoreError as error:  # it was deleted, or resumed by somebody
            log.info("The run %s does not go on by itself: %s", job.run, error)
            return
        self.start(again, job.command)

    def _handed_in(self, job: Job, backend: Backend) -> Handle:
        try:
            return backend.start(job)
        except WorkerLost as error:
            self._end(job, "interrupted", str(error))
            raise

    def _wait(self, seconds: float) -> None:
        """Waits for the next look, or until it is asked for earlier."""
        self._asked.wait(seconds)
        self._asked.clear()

    def _pass_on(self, followed: Mapping[str, tuple[Job, Handle]]) -> None:
        """Passes commands on that were stored for runs."""
        try:
            asked = self._store.asked(followed)
        except StoreBusy:
            return
        for one in asked:
            job, handle = followed[one.run]
            if one.attempt == job.attempt:
                handle.tell(one.command)
                with self._lock:
                    if self._followed.get(job.run, (job, None))[1] is handle:
                        job = replace(job, command=(job.command or Command()).then(one.command))
                        self._followed[job.run] = job, handle
        if asked:
            with contextlib.suppress(StorageError):  # then they are passed on once more
                self._store.passed_on(asked)

    def _let_go(self, job: Job, handle: Handle) -> None:
        handle.close()
        # Nothing is left to end where the last event was stored; else nobody watches any more.
        self._end(job, "interrupted", f"{PROGRAM_ENDED} {self._way_on(job.run)}")

    def _stored(self, job: Job, handle: Handle, batch: list[Report] | WorkerLost) -> tuple[list[Event], bool]:
        """Stores what was fetched; returns it, or the failure that ended the run, and whether the run is over."""
        if isinstance(batch, WorkerLost):
            message = f"{batch} {self._way_on(job.run)}"
            self._end(job, "interrupted", message)
            return [Failed(message)], True
        try:
            if not self._store.apply(job.run, job.attempt, batch):
                return [], True
            if batch:
                handle.acknowledge(batch[-1].number)
        except StoreBusy:
            return [], False  # what was reported waits at the worker
        except StorageError as error:
            handle.tell(Command(action="pause"))
            self._end(job, "interrupted", f"{error} {self._way_on(job.run)}")
            return [Failed(str(error))], True
        events = [report.event for report in batch]
        over = any(isinstance(event, Finished | Failed) for event in events)
        if job.workspace and batch:
            self._keep_limits(job, handle, over)
        return events, over

    def _keep_limits(self, job: Job, handle: Handle, over: bool) -> None:
        """Pauses a run that has used what it may; once it has ended, says why."""
        if over:
            why = self._overrun.pop(job.run, "")
            if why:
                self._store.note(job.run, why)
        elif job.run not in self._overrun:
            why = overrun(self._store.of(job.workspace), job.run, self._limits)
            if why:
                self._overrun[job.run] = why
                handle.tell(Command(action="pause"))

    def _give_up(self, job: Job, error: Exception) -> None:
        log.exception("Following the run %s failed", job.run)
        self._end(job, "interrupted", f"The run could not be followed ({type(error).__name__}); see the log.")

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
