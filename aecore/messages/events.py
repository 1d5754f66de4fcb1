"""What a training reports, and what it can be told while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np


@dataclass(frozen=True)
class Device:
    """Where a run is computed; the host of a pretrained model is not told."""

    kind: Literal["cpu", "gpu"]
    name: str
    host: str

    @property
    def title(self) -> str:
        """Device and host in words."""
        return f"{self.name} on {self.host}" if self.host else self.name


@dataclass(frozen=True)
class Started:
    """The model stands and the first step is about to be taken."""

    device: Device
    parameters: int
    steps_per_epoch: int
    train_size: int
    test_size: int
    total_epochs: int


@dataclass(frozen=True)
class Progress:
    """A chunk of steps was taken.

    Attributes:
        position: epochs done, with the fraction of the present one.
        loss: mean training loss of the chunk.
        samples_per_second: training examples a second of late.
        stage: what is being done, "training" or "scoring".
        runs: how many take turns on the worker, this one included.
        share: of the time in which the run wanted the device, how much it had of late, from 0 to 1.
        device_seconds: for which this attempt has had the device.
        held_bytes: what the worker holds for this run alone: its weights, and its optimizer's state.
    """

    position: float
    loss: float
    samples_per_second: float
    learning_rate: float
    phase: str
    stage: str = "training"
    runs: int = 1
    share: float = 1.0
    device_seconds: float = 0.0
    held_bytes: int = 0


@dataclass(frozen=True)
class EpochDone:
    """An epoch ended and the held-out examples were measured.

    Attributes:
        epoch: number of the epoch, from 1.
        loss: mean loss over the epoch's training examples, as they were met, penalty included.
        val_loss: mean loss over the held-out examples.
        parts: terms of the two losses by name, such as "reconstruction" and "val_reconstruction".
        seconds: duration with evaluation, without deliberate waiting.
        samples_per_second: training examples a second, evaluation left out.
    """

    epoch: int
    phase: str
    loss: float
    val_loss: float
    seconds: float
    samples_per_second: float
    learning_rate: float
    parts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Baseline:
    """What the loss is compared with, on the same held-out data: PCA at the same code size, or the mean word vector."""

    loss: float


@dataclass(frozen=True)
class Snapshot:
    """What the model looks like at one moment.

    Attributes:
        position: epochs done when it was taken.
        arrays: of every run "tiles" float16 [units, h, w], weights; "codes" float16 [up to 1000, code], or [up to
            1000, 32] principal components, fitted anew each time, of a code of more than 256 units.
            Of images "outputs" uint8 [10, h, w], reconstructions. Of sentences "words" uint16 [10, length] and
            "cosines" float16 [10, length], how near what was written is to each word.
            Some variants add "maps" float16 [filters, h, w], feature maps of the first of the coded images; "kl"
            float16 [code], mean KL of each unit in nats; "samples" uint8 [20, h, w], decoded draws from the prior;
            "manifold" uint8 [144, h, w], the plane of a code of two units decoded on a grid of 12 by 12, row by row
            from the top.
            The first one of an attempt also has what does not change: "clean" and "corrupted" uint8 [10, h, w], or
            "shown" uint16 [10, length], the sentences read; "labels" uint8 [1000], "indices" int32 [1000].
    """

    position: float
    arrays: dict[str, np.ndarray]


@dataclass(frozen=True)
class Kept:
    """Arrays that a run keeps beside its snapshots, such as its vocabulary; newer ones of a name replace older ones.

    Attributes:
        name: up to 16 letters.
    """

    name: str
    arrays: dict[str, np.ndarray]


@dataclass(frozen=True)
class Checkpoint:
    """All that is needed to go on: weights, optimizer, position and losses so far, as an .npz archive."""

    epoch: int
    step: int
    data: bytes


@dataclass(frozen=True)
class Finished:
    """The attempt ended on its own terms.

    Attributes:
        metrics: the scorecard, for finished and stopped runs.
        model: the Keras file.
        message: why, in one sentence, where nobody asked for it; else "".
    """

    status: Literal["finished", "stopped", "paused"]
    metrics: Mapping[str, float | None]
    model: bytes
    message: str = ""


@dataclass(frozen=True)
class Failed:
    """The attempt ended with an error; `message` is one sentence for the visitor."""

    message: str


Event = Started | Progress | EpochDone | Baseline | Snapshot | Kept | Checkpoint | Finished | Failed


class Report(NamedTuple):
    """An event on its way to the store.

    Attributes:
        number: counts the events of an attempt, from 1; some are missing, where a newer event took their place.
        event: what happened.
    """

    number: int
    event: Event


@dataclass(frozen=True)
class Command:
    """What a running training is told; None leaves a setting as it is.

    Attributes:
        action: pause after the next chunk, or stop there and measure.
        learning_rate: new base of the schedule from the next chunk on.
        epochs_per_second: speed limit; 0 is full speed.
        steps_per_second: speed limit; 0 is full speed.
    """

    action: Literal["pause", "stop"] | None = None
    learning_rate: float | None = None
    epochs_per_second: float | None = None
    steps_per_second: float | None = None

    def then(self, later: "Command") -> "Command":
        """Both taken together: what the later one leaves open stays as it is here."""
        return replace(self, **{name: value for name, value in vars(later).items() if value is not None})
