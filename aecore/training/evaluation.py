"""Measures a model again from its weights, and takes from it what a pretrained model needs."""

import importlib
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from aecore.datasets import Images
from aecore.datasets.evaluation import coded
from aecore.datasets.for_run import Data
from aecore.errors import StorageError
from aecore.models import build
from aecore.models.base import Autoencoder
from aecore.schema import RunConfig
from aecore.training.batched import batched
from aecore.training.model_cache import set_weights
from aecore.training.prepared import prepared
from aecore.training.registry import run_data

HELD_OUT_CODES = 2000


def from_keras_file(config: RunConfig, data: bytes) -> Autoencoder:
    """The model in a Keras file.

    Raises:
        StorageError: it cannot be read.
    """
    importlib.import_module(config.hyper.model_class.partition(":")[0])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(data)
        try:
            return keras.saving.load_model(path, safe_mode=True)
        except (ValueError, TypeError, OSError, KeyError) as error:
            raise StorageError(f"The model file cannot be read ({error}).") from None


def from_weights(config: RunConfig, weights: Sequence[np.ndarray]) -> Autoencoder:
    """The model of a configuration with these values of its variables.

    Raises:
        StorageError: they belong to another configuration.
    """
    model = build(config.hyper, config.image_shape)
    set_weights(model, weights)
    return model


def evaluate(config: RunConfig, model: Autoencoder, data: Data, stage: Callable[[str], None]) -> dict[str, Any]:
    """The scorecard of a finished run; where the input is noisy, beside two denoisers that were not trained.

    Args:
        config: the run.
        model: what it trained.
        data: the dataset to measure it on.
        stage: called with what is measured next.

    Returns:
        The scorecard's metrics and those of the baselines; see `aecore.training.run_data.RunData`.
    """
    return measure(config, model, data, stage)[0]


def measure(
    config: RunConfig, model: Autoencoder, data: Data, stage: Callable[[str], None]
) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """What `evaluate` returns, and what a run of this kind keeps beside its snapshots."""
    trained_on = run_data(config, data)
    metrics = {**trained_on.score(model, stage), **trained_on.baselines(stage)}
    return metrics, {**trained_on.kept(), **trained_on.artifacts()}


def held_out_codes(config: RunConfig, model: Autoencoder, images: Images) -> dict[str, np.ndarray]:
    """Codes of 2,000 held-out images and PCA's of the same size; see `aecore.store.bundles.Bundle.held_out`."""
    on = prepared(images, config.image_hyper)
    chosen = coded(on.images, HELD_OUT_CODES)
    corrupted = on.corrupted_test[chosen]
    (codes,) = batched(lambda x: (model.encode(x),), corrupted)
    return {
        "codes": codes.astype(np.float16),
        "pca_codes": on.baseline(config.hyper.code_units).encode(corrupted).astype(np.float16),
        "labels": on.images.y_test[chosen],
        "indices": chosen.astype(np.int32),
    }


def halved(model: Autoencoder) -> list[np.ndarray]:
    """The model's variables as float16; the model is left with these values."""
    arrays = [np.asarray(variable).astype(np.float16) for variable in model.variables]
    for variable, array in zip(model.variables, arrays, strict=True):
        variable.assign(array.astype(np.float32))
    return arrays
