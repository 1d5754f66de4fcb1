"""A training's whole state as one .npz archive: weights, optimizer, random states, position, losses so far."""

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from aecore.errors import StorageError
from aecore.files import pack_arrays, read_arrays
from aecore.models.base import Autoencoder
from aecore.training.loop import COUNT


@dataclass
class Position:
    """Where a training stands.

    Attributes:
        epoch: epochs done, over all phases.
        step: steps done in the present epoch.
        sums: sums of the present epoch's losses so far, as `Loop.train` returns them.
        seconds: time spent on the present epoch so far.
        learning_rate: base of the schedule, which a visitor may have changed.
        best_loss: least mean loss of a chunk of steps in the present phase.
    """

    learning_rate: float
    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)
    best_loss: float = math.inf


def pack(model: Autoencoder, optimizer: Any, position: Position) -> bytes:
    """Writes the state; `optimizer` is the present phase's."""
    arrays: dict[str, Any] = {f"model/{k}": np.asarray(variable) for k, variable in enumerate(model.variables)}
    arrays |= {f"optimizer/{k}": np.asarray(variable) for k, variable in enumerate(optimizer.variables)}
    arrays["position"] = np.frombuffer(json.dumps(asdict(position)).encode(), np.uint8)
    return pack_arrays(arrays, compressed=False)


class Stored:
    """A checkpoint that was read back.

    Args:
        data: what `pack` returned.

    Raises:
        StorageError: it is damaged.
    """

    def __init__(self, data: bytes):
        try:
            self._arrays = read_arrays(data)
            self.position = Position(**json.loads(self._arrays.pop("position").tobytes()))
            if "images" in self.position.sums:  # as older versions called the number of examples
                self.position.sums[COUNT] = self.position.sums.pop("images")
        except (ValueError, KeyError, OSError, TypeError) as error:
            raise StorageError(f"The checkpoint is damaged and cannot be read ({error}).") from None

    def restore_model(self, model: Autoencoder) -> None:
        """Sets the model's variables.

        Raises:
            StorageError: it belongs to another model.
        """
        self._restore("model", model.variables)

    def restore_optimizer(self, optimizer: Any) -> None:
        """Sets the optimizer's variables.

        Raises:
            StorageError: it belongs to another optimizer.
        """
        self._restore("optimizer", optimizer.variables)

    def _restore(self, part: str, variables: list[Any]) -> None:
        stored = [array for name, array in self._arrays.items() if name.startswith(f"{part}/")]
        if [array.shape for array in stored] != [tuple(variable.shape) for variable in variables]:
            raise StorageError(f"The checkpoint does not fit this {part}; it belongs to another configuration.")
        for array, variable in zip(stored, variables, strict=True):
            variable.assign(array)
