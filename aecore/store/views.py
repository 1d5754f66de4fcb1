"""What the store hands out: plain, frozen values, detached from the database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from aecore.messages.events import Command, Device, EpochDone
from aecore.schema import ACTIVE, RunConfig, Status

SHARED = "~"  # with which the names of shared runs begin


class Usage(NamedTuple):
    """What a workspace takes.

    Attributes:
        runs: that are stored.
        active: of these.
        stored_bytes: of their files.
        hour_seconds: device seconds within the last hour.
    """

    runs: int
    active: int
    stored_bytes: int
    hour_seconds: float


class Asked(NamedTuple):
    """A command that waits until it is passed on to an attempt at a run."""

    id: int
    run: str
    attempt: int
    command: Command


@dataclass(frozen=True)
class RunView:
    """A run as it stands.

    Attributes:
        position: epochs done, with the fraction of the present one.
        stage: "training", "scoring", or "" when it is not active.
        message: what the visitor should know about its state, in one sentence, or "".
        samples_per_second: training examples a second, of late, while it has the device.
        runs: how many take turns on its worker, this one included.
        share: of the time in which it wanted the device, how much it had of late.
        device_seconds: for which it has had the device, over all attempts.
        held_bytes: what the worker holds of it while it is active: its weights, and its optimizer's state.
        baseline_loss: held-out loss of PCA, or of the mean word vector, in the unit of the run's loss.
        metrics: the scorecard; empty before the end.
    """

    id: str
    config: RunConfig
    status: Status
    message: str
    attempt: int
    created: datetime
    updated: datetime
    position: float
    stage: str
    phase: str
    total_epochs: int
    learning_rate: float
    samples_per_second: float
    device: Device | None
    parameters: int
    train_size: int
    test_size: int
    baseline_loss: float | None
    metrics: dict[str, Any]
    runs: int = 1
    share: float = 1.0
    device_seconds: float = 0.0
    held_bytes: int = 0

    @property
    def active(self) -> bool:
        return self.status in ACTIVE

    @property
    def shared(self) -> bool:
        """Whether it is somebody's run, read under the name by which it is shared."""
        return self.id.startswith(SHARED)

    @property
    def weights_version(self) -> str:
        """Changes with the weights, and while a run is training more often than they do."""
        return f"{self.attempt}-{self.position:.4f}-{self.status}-{self.created.isoformat()}"

    @property
    def epochs_done(self) -> int:
        return int(self.position + 1e-9)

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the speed and the share of late, without a speed limit; None where there is no speed."""
        if not self.active or not self.samples_per_second:
            return None
        return (self.total_epochs - self.position) * self.train_size / self.samples_per_second / self.share

    @property
    def company(self) -> str:
        """With how many others a running one shares the device, in a few words; "" where it is alone."""
        if self.status != "running" or self.runs < 2:
            return ""
        others = "one other run" if self.runs == 2 else f"{self.runs - 1} other runs"
        return f"in turns with {others}, {self.share:.0%} of the device"


@dataclass(frozen=True)
class Curve:
    """The losses of a run.

    Attributes:
        epochs: one for each epoch.
        ticks: (position, training loss) within the epochs, thinned for drawing.
    """

    epochs: tuple[EpochDone, ...]
    ticks: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class SnapshotView:
    """A snapshot with what never changes beside it; see `aecore.messages.events.Snapshot`."""

    position: float
    arrays: dict[str, np.ndarray]
