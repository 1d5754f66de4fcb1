"""What the service asks of a place where runs are computed, and the simplest one: this process."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import psutil

from aecore.datasets.for_run import data_of
from aecore.errors import WorkerLost
from aecore.messages.channel import Channel
from aecore.messages.events import Command, Device, Report
from aecore.messages.jobs import InferenceRequest, InferenceResult, Job
from aecore.schema import RunConfig
from aecore.settings import Settings


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

    def tell(self, command: Command) -> None:
        """Passes a command on, at once or as soon as the job starts."""
        ...

    def acknowledge(self, number: int) -> None:
        """Notes that all events up to this one are stored, so that they need not be sent again."""
        ...

    def leave(self) -> bool:
        """Lets go of the job before its last event; returns whether it goes on, to be found by `Backend.find`."""
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

    def find(self, keys: Sequence[str]) -> dict[str, Any]:
        """Those of the jobs that a program which is gone has handed in, and that go on or wait to be heard.

        Args:
            keys: of jobs, see `aecore.messages.jobs.Job`.

        Returns:
            Their handles, as `start` returns them.
        """
        ...

    def collect(self, handles: Sequence[Any]) -> list[list[Report] | WorkerLost]:
        """The events of jobs that were not acknowledged yet, in one go.

        Args:
            handles: what `start` returned.

        Returns:
            For each its events; or, where the job ended without a last event, why.
        """
        ...

    def status(self) -> WorkerStatus:
        """How the worker is; returns at once."""
        ...

    def infer(self, request: InferenceRequest) -> InferenceResult | None:
        """Asks a trained model something, also while another is trained; see `aecore.training.model_cache.ModelCache`.

        Raises:
            WorkerLost: there is no worker, and none could be started, or it went away.
        """
        ...

    def prepare(self) -> None:
        """Has a worker started in the background, so that the first who needs it waits less; returns at once."""
        ...

    def memory(self) -> int:
        """Resident memory of the workers together, in bytes; 0 where there is none."""
        ...

    def idle(self) -> None:
        """Called when the last run has ended: time to tidy up."""
        ...

    def close(self) -> None:
        """Ends what this process started."""
        ...


class InProcess:
    """Trains in a thread of this process: for the command line and for tests."""

    def start(self, job: Job) -> "InProcessHandle":
        return InProcessHandle(job)

    def find(self, keys: Sequence[str]) -> dict[str, "InProcessHandle"]:
        return {}  # they ended with their process

    def collect(self, handles: Sequence["InProcessHandle"]) -> list[list[Report] | WorkerLost]:
        return [handle.channel.read(handle.acknowledged) for handle in handles]

    def status(self) -> WorkerStatus:
        return WorkerStatus("ready", "this process")

    def infer(self, request: InferenceRequest) -> InferenceResult | None:
        from aecore.compute import worker

        return worker.infer(request)

    def evaluate(
        self, config: RunConfig, weights: bytes | list[np.ndarray], stage: Callable[[str], None]
    ) -> dict[str, Any]:
        """Measures a model; see `aecore.training.evaluation.evaluate`.

        Args:
            config: the run, with the dataset to measure it on.
            weights: a Keras file, or the values of the model's variables.
            stage: called with what is measured next.
        """
        from aecore.compute.worker import warm_up

        data = data_of(config, Settings.from_env())
        warm_up()  # TensorFlow starts here, after cheap errors
        from aecore.training import evaluation

        if isinstance(weights, bytes):
            model = evaluation.from_keras_file(config, weights)
        else:
            model = evaluation.from_weights(config, weights)
        return evaluation.evaluate(config, model, data, stage)

    def prepare(self) -> None:
        """It is here already."""

    def memory(self) -> int:
        return psutil.Process().memory_info().rss

    def idle(self) -> None:
        """Nothing is kept that would have to be tidied up."""

    def close(self) -> None:
        """Nothing outlives a handle."""


class InProcessHandle:
    """See `Handle`."""

    def __init__(self, job: Job):
        from aecore.training.task import train

        self.channel, self.acknowledged = Channel(), 0
        self._thread = threading.Thread(target=train, args=(job, self.channel), name=job.key, daemon=True)
        self._thread.start()

    def tell(self, command: Command) -> None:
        self.channel.tell(command)

    def acknowledge(self, number: int) -> None:
        self.acknowledged = number

    def leave(self) -> bool:
        self.close()
        return False

    def close(self) -> None:
        self.channel.tell(Command(action="pause"))  # in case it goes on, for nobody reads it any more
        self._thread.join()
