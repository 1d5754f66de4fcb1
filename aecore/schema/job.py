"""What is sent to a worker: a run to be trained, or a question about a trained model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


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
    """

    run: str
    attempt: int
    config: dict[str, Any]
    checkpoint: bytes | None = None
    until: int | None = None
    learning_rate: float | None = None

    @property
    def key(self) -> str:
        return f"{self.run}#{self.attempt}"


@dataclass(frozen=True)
class Question:
    """Something asked of a trained model.

    Attributes:
        model: the run's name, or the shipped model's.
        stamp: changes with its weights.
        config: `RunConfig.to_json`.
        operation: name in `aecore.models.base.Autoencoder.operations`, or without arrays in its `inspections`.
        arrays: its arguments by name, each [n, ...].
        weights: the values of the model's variables in their order, or None where the worker should have them still.
    """

    model: str
    stamp: str
    config: dict[str, Any]
    operation: str
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    weights: Sequence[np.ndarray] | None = None


Answer = dict[str, np.ndarray]
