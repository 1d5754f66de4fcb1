"""Answers questions about trained models: those asked about lately stay loaded, with their compiled operations."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from aecore.errors import BadInput, StorageError
from aecore.models import build
from aecore.models.base import Autoencoder
from aecore.schema import IMAGE_SHAPE, RunConfig
from aecore.schema.job import Answer, Question

MODELS = 8
ROWS = 1000  # in one call; more are cut into pieces


@dataclass
class Loaded:
    """A model that stands, with what was compiled of it."""

    config: dict[str, Any]
    model: Autoencoder
    stamp: str = ""
    compiled: dict[str, Any] = field(default_factory=dict)

    def take_over(self, weights: Sequence[np.ndarray], stamp: str) -> None:
        """Sets the model's variables.

        Raises:
            StorageError: they belong to another configuration.
        """
        set_weights(self.model, weights)
        self.stamp = stamp

    def compute(self, operation: str, arrays: dict[str, np.ndarray]) -> Answer:
        """Applies an operation to rows, so many at a time; without arrays, asks about the model itself.

        Raises:
            BadInput: the model has no such operation.
        """
        if not arrays:
            return self._inspect(operation)
        if operation not in self.compiled:
            known = self.model.operations()
            if operation not in known:
                raise BadInput(f"This model cannot be asked for '{operation}'; it knows {', '.join(known)}.")
            self.compiled[operation] = tf.function(known[operation], reduce_retracing=True)
        ask = self.compiled[operation]
        rows = len(next(iter(arrays.values())))
        parts = [
            ask(**{name: tf.constant(array[k : k + ROWS]) for name, array in arrays.items()})
            for k in range(0, rows, ROWS)
        ]
        return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}

    def _inspect(self, what: str) -> Answer:
        known = self.model.inspections()
        if what not in known:
            raise BadInput(f"This model cannot be asked about '{what}'; it knows {', '.join(known)}.")
        return {name: np.asarray(array) for name, array in known[what]().items()}


class Desk:
    """Keeps the models that were asked about last; one question at a time."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, Loaded] = OrderedDict()
        self._lock = threading.Lock()

    def answer(self, question: Question) -> Answer | None:
        """Answers a question.

        Returns:
            Arrays by name, or None where the weights are needed and did not come with the question.

        Raises:
            BadInput: the model has no such operation.
            StorageError: the weights belong to another configuration.
        """
        with self._lock:
            loaded = self._models.get(question.model)
            if loaded is None or loaded.config != question.config or loaded.stamp != question.stamp:
                if question.weights is None:
                    return None
                if loaded is None or loaded.config != question.config:
                    config = RunConfig.from_json(question.config)
                    loaded = Loaded(question.config, build(config.hyper, IMAGE_SHAPE))
                loaded.take_over(question.weights, question.stamp)
                self._models[question.model] = loaded
            self._models.move_to_end(question.model)
            while len(self._models) > MODELS:
                self._models.popitem(last=False)
            return loaded.compute(question.operation, dict(question.arrays))


def set_weights(model: Autoencoder, weights: Sequence[np.ndarray]) -> None:
    """Sets a model's variables to these values, in their order.

    Raises:
        StorageError: they belong to another configuration.
    """
    if [array.shape for array in weights] != [tuple(variable.shape) for variable in model.variables]:
        raise StorageError("The weights do not fit the configuration.")
    for variable, array in zip(model.variables, weights, strict=True):
        variable.assign(array)
