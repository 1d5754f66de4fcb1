"""Applies trained models: those that were used last stay loaded, with their compiled operations."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from cachetools import LRUCache

from aecore.errors import StorageError
from aecore.messages.jobs import InferenceRequest, InferenceResult
from aecore.models import build
from aecore.models.base import Autoencoder
from aecore.schema import RunConfig
from aecore.training.predictor import Predictor

MODELS = 8


@dataclass
class CachedModel:
    """A model that stands, with what was compiled of it."""

    config: dict[str, Any]
    predictor: Predictor
    version: str = ""

    def take_over(self, weights: Sequence[np.ndarray], version: str) -> None:
        """Sets the model's variables.

        Raises:
            StorageError: they belong to another configuration.
        """
        set_weights(self.predictor.model, weights)
        self.version = version


class ModelCache:
    """Keeps the models that were used last; one request at a time."""

    def __init__(self) -> None:
        self._models: LRUCache[str, CachedModel] = LRUCache(MODELS)
        self._lock = threading.Lock()

    def infer(self, request: InferenceRequest) -> InferenceResult | None:
        """Computes what a request asks for.

        Returns:
            Arrays by name, or None where the weights are needed and did not come with the request.

        Raises:
            BadInput: the model has no such operation.
            StorageError: the weights belong to another configuration.
        """
        with self._lock:
            loaded = self._models.get(request.model)
            if loaded is None or loaded.config != request.config or loaded.version != request.version:
                if request.weights is None:
                    return None
                if loaded is None or loaded.config != request.config:
                    config = RunConfig.from_json(request.config)
                    loaded = CachedModel(request.config, Predictor(build(config.hyper, config.image_shape)))
                loaded.take_over(request.weights, request.version)
                self._models[request.model] = loaded
            return loaded.predictor(request.operation, **request.arrays)


def set_weights(model: Autoencoder, weights: Sequence[np.ndarray]) -> None:
    """Sets a model's variables to these values, in their order.

    Raises:
        StorageError: they belong to another configuration.
    """
    if [array.shape for array in weights] != [tuple(variable.shape) for variable in model.variables]:
        raise StorageError("The weights do not fit the configuration.")
    for variable, array in zip(model.variables, weights, strict=True):
        variable.assign(array)
