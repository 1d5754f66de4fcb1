"""What the service asks of a place where runs are computed, and the simplest one: this process."""

import threading
from dataclasses import dataclass
from typing import Literal, Protocol

from aecore.compute.channel import Channel
from aecore.schema.events import Command, Device, Event
from aecore.schema.job import Job


@dataclass(frozen=True)
class WorkerStatus:
    """How the worker is.

    Attributes:
        state: "off" (it starts with the first run), "starting", "ready".
        where: the address of its scheduler, or "".
        device: what it computes on, once known.
    """

    state: Literal["off", "starting", "ready"]
    where: str = ""
    device: Device | None = None


class Handle(Protocol):
    """A job that was handed in."""

    def take(self) -> list[Event]:
        """The events since the last call.

        Raises:
            WorkerLost: the job ended without a last event; the message says why.
        """
        ...

    def tell(self, command: Command) -> None:
        """Passes a command on, at once or as soon as the job starts."""
        ...

    def close(self) -> None:
        """Lets go of the job after its last event."""
        ...


class Backend(Protocol):
    """A place where runs are computed."""

    def start(self, job: Job) -> Handle:
        """Hands a job in; it may have to wait for its turn.

        Raises:
            WorkerLost: there is no worker, and none could be started.
        """
        ...

    def status(self) -> WorkerStatus:
        """How the worker is; returns at once."""
        ...

    def close(self) -> None:
        """Ends what this process started."""
        ...


class InProcess:
    """Trains in a thread of this process: for the command line and for tests."""

    def start(self, job: Job) -> "InProcessHandle":
        return InProcessHandle(job)

    def status(self) -> WorkerStatus:
        return WorkerStatus("ready", "this process")

    def close(self) -> None:
        """Nothing outlives a handle."""


class InProcessHandle:
    """See `Handle`."""

    def __init__(self, job: Job):
        from aecore.training.task import train

        self._channel = Channel()
        self._thread = threading.Thread(target=train, args=(job, self._channel), name=job.key, daemon=True)
        self._thread.start()

    def take(self) -> list[Event]:
        return self._channel.take()

    def tell(self, command: Command) -> None:
        self._channel.tell(command)

    def close(self) -> None:
        self._channel.tell(Command(action="pause"))  # in case it goes on, for nobody reads it any more
        self._thread.join()
