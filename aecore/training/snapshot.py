"""Pictures of a model in the making: reconstructions, weights and codes of fixed held-out images."""

import numpy as np
import tensorflow as tf
from sklearn.decomposition import PCA

from aecore.datasets.evaluation import as_pixels, coded, pictured
from aecore.messages.events import Snapshot
from aecore.training.predictor import Predictor
from aecore.training.prepared import PreparedImages

TILES = 64
LONG_CODE, LONG_CODE_COMPONENTS = 256, 32
IMAGES = ("outputs", "samples", "manifold")


class Photographer:
    """Takes snapshots of a run's model.

    Args:
        on: the dataset as it is measured; the same held-out images are used in every run on it.
    """

    def __init__(self, on: PreparedImages):
        images, corrupted_test = on.images, on.corrupted_test
        corrupted, with_code = pictured(images), coded(images)
        self._shown = tf.constant(corrupted_test[corrupted], tf.float32)
        self._coded = tf.constant(corrupted_test[with_code], tf.float32)
        self._fixed = {
            "clean": images.x_test[corrupted, ..., 0],
            "corrupted": as_pixels(corrupted_test[corrupted, ..., 0]),
            "labels": images.y_test[with_code],
            "indices": with_code.astype(np.int32),
        }

    def take(self, predictor: Predictor, position: float) -> Snapshot:
        """The model now; the first snapshot also carries what never changes."""
        found = predictor.look(self._shown, self._coded, TILES)
        arrays = {
            **self._fixed,
            **{name: drawn(name, drawable(array) if name == "codes" else array) for name, array in found.items()},
        }
        self._fixed = {}
        return Snapshot(position, arrays)


def drawn(name: str, values: np.ndarray) -> np.ndarray:
    """A part of a snapshot as it is kept: images as uint8 [n, h, w], all else as float16."""
    return as_pixels(values[..., 0]) if name in IMAGES else as_float16(values)


def drawable(codes: np.ndarray) -> np.ndarray:
    """Codes as they are, or where they are long their first principal components, which is what is drawn of them."""
    if codes.shape[1] <= LONG_CODE or not np.isfinite(codes).all():
        return codes[:, :LONG_CODE]
    return PCA(n_components=LONG_CODE_COMPONENTS, svd_solver="randomized", random_state=0).fit_transform(codes)


def as_float16(values: np.ndarray) -> np.ndarray:
    """float16, with what is beyond its range cut off."""
    limit = np.finfo(np.float16).max
    return np.clip(values, -limit, limit).astype(np.float16)
