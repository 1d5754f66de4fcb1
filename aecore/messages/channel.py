"""The line between a training and whoever watches it: events out, commands in.

The training only ever appends and never waits for a reader. A reader takes what has come since it last
looked; of snapshots, progress and checkpoints only the newest is kept, so a slow reader costs no memory.
"""

import threading
from dataclasses import replace

from aecore.messages.events import Checkpoint, Command, Event, Progress, Snapshot

_REPLACEABLE = (Progress, Snapshot, Checkpoint)


class Channel:
    """Thread-safe; one for each attempt at a run."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._events: list[Event] = []
        self._command = Command()
        self._news = False

    def emit(self, event: Event) -> None:
        """Appends an event; a newer progress of the stage, snapshot or checkpoint takes the place of an unread one."""
        with self._changed:
            if isinstance(event, _REPLACEABLE):
                for k, old in enumerate(self._events):
                    if type(old) is type(event) and getattr(old, "stage", "") == getattr(event, "stage", ""):
                        if isinstance(old, Snapshot) and isinstance(event, Snapshot):
                            event = replace(event, arrays={**old.arrays, **event.arrays})
                        del self._events[k]
                        break
            self._events.append(event)

    def take(self) -> list[Event]:
        """Hands over the events that were not taken yet, in their order."""
        with self._changed:
            events, self._events = self._events, []
            return events

    def tell(self, command: Command) -> None:
        """Passes a command on; what it leaves open stays as it was told before."""
        with self._changed:
            settings = {name: value for name, value in vars(command).items() if value is not None}
            self._command = replace(self._command, **settings)
            self._news = True
            self._changed.notify_all()

    @property
    def command(self) -> Command:
        """All that was told so far, taken together."""
        return self._command

    def wait_for_command(self, seconds: float) -> None:
        """Returns as soon as something new was told, at the latest after `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self._news, timeout=max(0.0, seconds))
            self._news = False
