"""Applies a function to many rows, a batch at a time."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

_BATCH = 1000


def batched(function: Callable, *arrays: np.ndarray) -> list[np.ndarray]:
    """Applies a function of float32 batches that returns a tuple, and joins what it returns."""
    parts = [
        [np.asarray(part) for part in function(*(tf.constant(array[k : k + _BATCH]) for array in arrays))]
        for k in range(0, len(arrays[0]), _BATCH)
    ]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]
