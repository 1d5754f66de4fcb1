"""Work in the background that a page shows while it goes on."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from aecore.errors import AecoreError

log = logging.getLogger(__name__)
Report = Callable[[float, float, str], None]


@dataclass(frozen=True)
class TaskStatus:
    """How far a task is.

    Attributes:
        done: so much, in bytes or as a share.
        total: of so much; 0 while unknown.
        what: is being done.
        error: one sentence if it failed, else "".
        active: whether it is still going on.
    """

    done: float = 0.0
    total: float = 0.0
    what: str = ""
    error: str = ""
    active: bool = True

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


class BackgroundTasks:
    """Tasks by name, each in a thread of its own; one that goes on is not started again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._statuses: dict[str, TaskStatus] = {}

    def start(self, name: str, work: Callable[[Report], None]) -> None:
        """Begins a task.

        Args:
            name: of the task.
            work: called with a function that takes what is done, of how much, and what is being done.
        """
        with self._lock:
            if name in self._statuses and self._statuses[name].active:
                return
            self._statuses[name] = TaskStatus()
        threading.Thread(target=self._run, args=(name, work), name=name, daemon=True).start()

    def status(self, name: str) -> TaskStatus:
        """How far the task of this name is that was started last; an inactive one where there was none."""
        return self._statuses.get(name, TaskStatus(active=False))

    def _run(self, name: str, work: Callable[[Report], None]) -> None:
        def report(done: float, total: float, what: str) -> None:
            self._statuses[name] = TaskStatus(done, total, what)

        try:
            work(report)
            self._statuses[name] = TaskStatus(1.0, 1.0, active=False)
        except AecoreError as error:
            self._statuses[name] = TaskStatus(error=str(error), active=False)
        except Exception:
            log.exception("%s failed", name)
            self._statuses[name] = TaskStatus(
                error=f"{name} failed unexpectedly; what went wrong is in the log.", active=False
            )
