"""The line between a training and whoever watches it: events out, commands in.

The training only ever appends and never waits for a reader. Events are numbered and stay until a reader has
acknowledged them, so that none is lost with an answer that never arrived; of snapshots, progress and checkpoints only
the newest is kept, so a slow reader costs no memory.
"""

import math
import threading
from dataclasses import replace
from time import monotonic

from aecore.messages.events import Checkpoint, Command, Event, Progress, Report, Snapshot

_REPLACEABLE = (Progress, Snapshot, Checkpoint)


class Channel:
    """Thread-safe; one for each attempt at a run.

    Args:
        patience: seconds for which nobody need read before the run is told to pause.
    """

    def __init__(self, patience: float = math.inf) -> None:
        self._patience, self._read = patience, monotonic()
        self._closed = False
        self._changed = threading.Condition()
        self._reports: list[Report] = []
        self._emitted = 0
        self._command = Command()
        self._news = False

    def emit(self, event: Event) -> None:
        """Appends an event; a newer progress of the stage, snapshot or checkpoint takes the place of an older one."""
        with self._changed:
            if isinstance(event, _REPLACEABLE):
                for k, (_, old) in enumerate(self._reports):
                    if type(old) is type(event) and getattr(old, "stage", "") == getattr(event, "stage", ""):
                        if isinstance(old, Snapshot) and isinstance(event, Snapshot):
                            event = replace(event, arrays={**old.arrays, **event.arrays})
                        del self._reports[k]
                        break
            self._emitted += 1
            self._reports.append(Report(self._emitted, event))

    def read(self, acknowledged: int) -> list[Report]:
        """Hands over the events after an acknowledged one, in their order, and forgets those up to it.

        Args:
            acknowledged: number of the last event that the reader has stored; 0 for none.
        """
        with self._changed:
            self._read = monotonic()
            self._reports = [report for report in self._reports if report.number > acknowledged]
            self._changed.notify_all()
            return list(self._reports)

    def take(self) -> list[Event]:
        """Hands over all events that are left, for a reader in this process who acknowledges them at once."""
        with self._changed:
            reports, self._reports = self._reports, []
            return [report.event for report in reports]

    def tell(self, command: Command) -> None:
        """Passes a command on; what it leaves open stays as it was told before."""
        with self._changed:
            self._command = self._command.then(command)
            self._news = True
            self._changed.notify_all()

    def close(self) -> None:
        """Ends the waiting for a reader: there will be none."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait_until_read(self, seconds: float) -> None:
        """Returns once all events are acknowledged, or nobody will read them, or so many seconds have passed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not self._reports, timeout=seconds)

    @property
    def command(self) -> Command:
        """All that was told so far, taken together; to pause, once nobody has read for too long or ever will."""
        if self.unread or self._closed:
            return replace(self._command, action=self._command.action or "pause")
        return self._command

    @property
    def unread(self) -> bool:
        """Whether nobody has read for longer than a run goes on like that."""
        return monotonic() - self._read > self._patience

    def wait_for_command(self, seconds: float) -> None:
        """Returns as soon as something new was told, at the latest after `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self._news, timeout=max(0.0, seconds))
            self._news = False
