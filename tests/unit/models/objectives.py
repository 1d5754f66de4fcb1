"""A model's objective on a batch, as the compiled step calls it."""

from typing import Any

import numpy as np
import tensorflow as tf

from aecore.models.base import Batch


def batch_of(model: Any, clean: np.ndarray, corrupted: np.ndarray, weights: Any = None, *,
             seed: int = 1, progress: float = 0.0) -> Batch:  # fmt: skip
    """A batch of which all images count, or those whose weight is 1."""
    counted = np.ones(len(clean), np.float32) if weights is None else np.asarray(weights, np.float32)
    arrays = tf.constant(clean), tf.constant(corrupted), tf.constant(counted)
    return Batch(*arrays, tf.constant([0, seed]), tf.constant(float(progress)), model.hyper)


def terms_of(model: Any, clean: np.ndarray, corrupted: np.ndarray, weights: Any = None, *,
             training: bool = True, **more: Any) -> dict[str, float]:  # fmt: skip
    """The objective's terms; see `batch_of`."""
    terms = model.objective(batch_of(model, clean, corrupted, weights, **more), training)
    return {name: float(value) for name, value in terms.items()}
