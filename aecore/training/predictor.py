"""A model's operations on many rows, compiled once each."""

from typing import Any

import numpy as np
import tensorflow as tf

from aecore.errors import BadInput
from aecore.messages.jobs import Operation
from aecore.models.base import Autoencoder

ROWS = 500  # in one call; more are cut into pieces


class Predictor:
    """What a model can be asked; see `aecore.models.base.Autoencoder.operations`.

    Args:
        model: its weights may change between calls.
    """

    def __init__(self, model: Autoencoder):
        self.model = model
        self._compiled: dict[Operation, Any] = {}
        self._look = tf.function(self._look_at)

    def __call__(self, operation: Operation, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        """Applies an operation to rows; without arrays, asks about the model itself.

        Args:
            operation: of the model's `operations`, or without arrays of its `inspections`.
            arrays: its arguments, at least one row each.

        Raises:
            BadInput: the model has no such operation.
        """
        if not arrays:
            return self._inspected(operation)
        if operation not in self._compiled:
            known = self.model.operations()
            if operation not in known:
                raise BadInput(f"This model cannot be asked for '{operation}'; it knows {', '.join(map(str, known))}.")
            self._compiled[operation] = tf.function(known[operation], reduce_retracing=True)
        ask = self._compiled[operation]
        parts = [
            ask(**{name: tf.constant(array[k : k + ROWS]) for name, array in arrays.items()})
            for k in range(0, len(next(iter(arrays.values()))), ROWS)
        ]
        return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}

    def look(self, shown: tf.Tensor, coded: tf.Tensor, tiles: int) -> dict[str, np.ndarray]:
        """What a snapshot shows of a model of images, in one call.

        Args:
            shown: float32 [n, h, w, c], images to reconstruct, as the model is shown them.
            coded: float32 [m, h, w, c], images whose codes are drawn.
            tiles: how many units' weights, at most.

        Returns:
            "outputs" [n, h, w, c], "codes" [m, units], "tiles" [units, h, w], and the model's `visualizations`.
        """
        return {name: np.asarray(array) for name, array in self._look(shown, coded, tiles).items()}

    def _look_at(self, shown: tf.Tensor, coded: tf.Tensor, tiles: int) -> dict[str, tf.Tensor]:
        model = self.model
        found = {"outputs": model(shown), "codes": model.encode(coded), "tiles": model.tiles(tiles)}
        return found | model.visualizations(coded)

    def _inspected(self, what: Operation) -> dict[str, np.ndarray]:
        known = self.model.inspections()
        if what not in known:
            raise BadInput(f"This model cannot be asked about '{what}'; it knows {', '.join(map(str, known))}.")
        return {name: np.asarray(array) for name, array in known[what]().items()}
