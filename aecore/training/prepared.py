"""What runs on the same images share: pixels on the device, held-out images as floats, PCA and its scorecard."""

from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import tensorflow as tf
from cachetools import LRUCache, cachedmethod

from aecore.analysis.baseline import LinearBaseline
from aecore.analysis.codes import neighbour_metrics
from aecore.analysis.images import reconstruction_metrics
from aecore.datasets import Images
from aecore.datasets.evaluation import as_floats, corrupted_test, corrupted_train, evaluation_images
from aecore.schema.base import ImageConfig
from aecore.training.batched import batched

BASELINES = 8  # code sizes
KEPT = 1  # datasets that no run uses any more


class PreparedImages:
    """A dataset with one corruption, as it is trained and measured on.

    Args:
        source: the dataset, as it is loaded.
        hyper: the corruption, and whether pixels are black and white; nothing else of it is used.

    Attributes:
        images: the dataset as it is measured: black and white where the configuration asks for it.
        clean_test: float32 [m, h, w, c], the held-out images.
        corrupted_test: float32 [m, h, w, c], what a model is shown of them.
        training: on the device, uint8 [n, h, w, c], and float32 [n, h, w, c] as they are shown, or None where noise is
            drawn in every step.
        held_out: on the device, uint8 [m, h, w, c], and as they are shown, float32, or None where they are clean.
    """

    def __init__(self, source: Images, hyper: ImageConfig):
        self._source = source  # while it is held, nothing else can lie where it lies
        self._hyper = hyper
        self.images = images = evaluation_images(source, hyper)  # training images are turned black and white each step
        self.clean_test = as_floats(images.x_test)
        self.corrupted_test = corrupted_test(images, hyper)
        noisy = hyper.noise != "none"
        kept = tf.constant(self.corrupted_train()) if noisy and not hyper.fresh_noise else None
        self.training = _on_device(source.x_train), kept
        self.held_out = _on_device(images.x_test), tf.constant(self.corrupted_test) if noisy else None
        self._baselines: LRUCache[int, LinearBaseline] = LRUCache(BASELINES)
        self._scores: LRUCache[int, dict[str, float]] = LRUCache(BASELINES)

    def corrupted_train(self) -> np.ndarray:
        """What a model is shown of the training images when it is measured: float32 [n, h, w, c]."""
        return corrupted_train(self.images, self._hyper)

    @cachedmethod(lambda self: self._baselines)
    def baseline(self, units: int) -> LinearBaseline:
        """PCA at a code size."""
        shown = None if self._hyper.noise == "none" else self.corrupted_train()
        return LinearBaseline.fit(as_floats(self.images.x_train), shown, units)

    def baseline_errors(self, units: int) -> dict[str, float]:
        """How near PCA's reconstructions of the held-out images are to these."""
        baseline = self.baseline(units)
        return reconstruction_metrics(self.clean_test, baseline.decode(baseline.encode(self.corrupted_test)))

    @cachedmethod(lambda self: self._scores)
    def baseline_scores(self, units: int) -> dict[str, float]:
        """PCA's scorecard at a code size; see `reconstruction_scores` and `code_scores`."""
        baseline = self.baseline(units)
        codes = baseline.encode(self.corrupted_test)
        scores = self.reconstruction_scores(baseline.decode(codes).reshape(self.clean_test.shape))
        return scores | self.code_scores(baseline.encode(self.corrupted_train()), codes)

    def reconstruction_scores(self, output: np.ndarray) -> dict[str, float]:
        """How near reconstructions float32 [m, h, w, c] of the held-out images are to these."""
        (similarity,) = batched(
            lambda a, b: (tf.image.ssim(a, b, max_val=1.0),), self.clean_test, np.clip(output, 0, 1).astype(np.float32)
        )
        return reconstruction_metrics(self.clean_test, output) | {"ssim": float(similarity.mean())}

    def code_scores(self, train: np.ndarray, test: np.ndarray) -> dict[str, float]:
        """How codes of training images [n, units] and of held-out ones [m, units] lie."""
        return neighbour_metrics(train, self.images.y_train, test, self.images.y_test, self.clean_test)


def prepared(source: Images, hyper: ImageConfig) -> PreparedImages:
    """The images of a run, shared with all runs whose corruption is the same."""
    values = hyper.model_dump()
    corruption = tuple(values[spec.name] for spec in hyper.fields() if spec.group == "Noise" and spec.relevant(values))
    key = (*_places(source), corruption, hyper.binary)
    found = _in_use.get(key) or PreparedImages(source, hyper)
    _in_use[key] = _last[key] = found
    return found


_in_use: WeakValueDictionary[Any, PreparedImages] = WeakValueDictionary()
_last: LRUCache[Any, PreparedImages] = LRUCache(KEPT)
_pixels: WeakValueDictionary[Any, tf.Tensor] = WeakValueDictionary()


def _places(images: Images) -> tuple[Any, ...]:
    """Where the arrays of a dataset lie: the same for two views of the same images."""
    return tuple(_place(array) for array in (images.x_train, images.y_train, images.x_test, images.y_test))


def _place(array: np.ndarray) -> tuple[Any, ...]:
    return array.__array_interface__["data"][0], array.shape, array.strides


def _on_device(array: np.ndarray) -> tf.Tensor:
    """Images uint8 [n, h, w, c] as a tensor, of which there is one whatever corruption they are used with."""
    tensor = _pixels.get(_place(array))
    if tensor is None or tensor.shape != array.shape:
        _pixels[_place(array)] = tensor = tf.constant(array)
    return tensor
