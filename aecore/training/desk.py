"""Answers questions about trained models: those asked about lately stay loaded, with their compiled operations."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aecore.errors import StorageError
from aecore.models import build
from aecore.models.base import Autoencoder
from aecore.schema import IMAGE_SHAPE, RunConfig
from aecore.schema.job import Answer, Question
from aecore.training.asking import Asking

MODELS = 8


@dataclass
class Loaded:
    """A model that stands, with what was compiled of it."""

    config: dict[str, Any]
    ask: Asking
    stamp: str = ""

    def take_over(self, weights: Sequence[np.ndarray], stamp: str) -> None:
        """Sets the model's variables.

        Raises:
            StorageError: they belong to another configuration.
        """
        set_weights(self.ask.model, weights)
        self.stamp = stamp


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
                    loaded = Loaded(question.config, Asking(build(config.hyper, IMAGE_SHAPE)))
                loaded.take_over(question.weights, question.stamp)
                self._models[question.model] = loaded
            self._models.move_to_end(question.model)
            while len(self._models) > MODELS:
                self._models.popitem(last=False)
            return loaded.ask(question.operation, **question.arrays)


def set_weights(model: Autoencoder, weights: Sequence[np.ndarray]) -> None:
    """Sets a model's variables to these values, in their order.

    Raises:
        StorageError: they belong to another configuration.
    """
    if [array.shape for array in weights] != [tuple(variable.shape) for variable in model.variables]:
        raise StorageError("The weights do not fit the configuration.")
    for variable, array in zip(model.variables, weights, strict=True):
        variable.assign(array)
