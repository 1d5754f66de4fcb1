"""What is sent to a worker: a run to be trained, or a request to apply a trained model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from aecore.messages.events import Command


@dataclass(frozen=True)
class Job:
    """One attempt at a run.

    Attributes:
        run: the run's name.
        attempt: counts the attempts at it, from 1; whatever an older attempt reports is stale.
        config: `RunConfig.to_json`.
        checkpoint: the state to go on from, or None for the beginning.
        until: pause after this epoch, or None.
        learning_rate: base of the schedule if it was changed on the way, or None.
        command: what it is told before its first step, such as a speed limit, or None.
        workspace: whose own texts and vectors it may be trained on; see `aecore.settings.Settings`.
    """

    run: str
    attempt: int
    config: dict[str, Any]
    checkpoint: bytes | None = None
    until: int | None = None
    learning_rate: float | None = None
    command: Command | None = None
    workspace: str = ""

    @property
    def key(self) -> str:
        """Names the job among all others."""
        return job_key(self.run, self.attempt)


def job_key(run: str, attempt: int) -> str:
    """The key of an attempt's job."""
    return f"{run}#{attempt}"


class Operation(NamedTuple):
    """What a trained model can be asked to compute.

    Attributes:
        name: of inputs "encode", "decode" or "reconstruct"; of inputs and a layer its "activity" or its "maps"; of the
            model itself its "layers", and the "weights" of one.
        layer: for "activity", "maps" and "weights" the layer's name, such as "encoder_1".
    """

    name: Literal["encode", "decode", "reconstruct", "activity", "maps", "layers", "weights"]
    layer: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.layer}".strip()


ENCODE, DECODE, RECONSTRUCT = Operation("encode"), Operation("decode"), Operation("reconstruct")
LAYERS = Operation("layers")


class Memory(NamedTuple):
    """Resident memory of a worker, in bytes: now, and after its first runs."""

    resident: int
    settled: int


@dataclass(frozen=True)
class InferenceRequest:
    """An operation that a trained model is to be applied for.

    Attributes:
        model: the run's name, or the pretrained model's.
        version: changes with its weights.
        config: `RunConfig.to_json`.
        operation: what is computed; see `aecore.models.base.Autoencoder.operations`.
        arrays: its arguments by name, each [n, ...].
        weights: the values of the model's variables in their order, or None where the worker should have them still.
    """

    model: str
    version: str
    config: dict[str, Any]
    operation: Operation
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    weights: Sequence[np.ndarray] | None = None


InferenceResult = dict[str, np.ndarray]  # by name, [n, ...] each
