"""Pictures of a model in the making: reconstructions, weights and codes of fixed held-out images."""

import numpy as np
import tensorflow as tf

from aecore.datasets import Images, fixed_indices
from aecore.models.base import Autoencoder
from aecore.schema.events import Snapshot

RECONSTRUCTIONS, TILES, CODES = 10, 64, 1000


class Photographer:
    """Takes snapshots of a model.

    Args:
        model: the autoencoder.
        images: the dataset; the same held-out images are used in every run on it.
        corrupted_test: float32 [m, h, w, c], what the model is shown of the held-out images.
    """

    def __init__(self, model: Autoencoder, images: Images, corrupted_test: np.ndarray):
        self._model = model
        shown = fixed_indices(images.y_test, RECONSTRUCTIONS, 0)
        coded = fixed_indices(images.y_test, min(CODES, len(images.y_test)), 1)
        self._shown = tf.constant(corrupted_test[shown], tf.float32)
        self._coded = tf.constant(corrupted_test[coded], tf.float32)
        self._look = tf.function(self._look_at)
        self._fixed = {
            "clean": images.x_test[shown, ..., 0],
            "corrupted": as_pixels(corrupted_test[shown, ..., 0]),
            "labels": images.y_test[coded],
            "indices": coded.astype(np.int32),
        }

    def take(self, position: float) -> Snapshot:
        """The model now; the first snapshot also carries what never changes."""
        outputs, codes, tiles = self._look(self._shown, self._coded)
        arrays = {
            **self._fixed,
            "outputs": as_pixels(outputs.numpy()[..., 0]),
            "codes": _halves(codes.numpy()),
            "tiles": _halves(tiles.numpy()),
        }
        self._fixed = {}
        return Snapshot(position, arrays)

    def _look_at(self, shown, coded):
        return self._model(shown), self._model.encode(coded), self._model.tiles(TILES)


def _halves(values: np.ndarray) -> np.ndarray:
    """float16, with what is beyond its range cut off."""
    limit = np.finfo(np.float16).max
    return np.clip(values, -limit, limit).astype(np.float16)


def as_pixels(images: np.ndarray) -> np.ndarray:
    """Values in [0, 1], others cut off, as uint8."""
    return np.round(np.clip(np.nan_to_num(images), 0, 1) * 255).astype(np.uint8)
