"""The figures of a trained model on held-out images, each beside PCA at the same code size."""

import functools
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from aecore.analysis.baseline import LinearBaseline
from aecore.analysis.codes import activity, neighbour_metrics
from aecore.analysis.images import reconstruction_metrics
from aecore.datasets import Images
from aecore.datasets.evaluation import as_floats, corrupted_test, corrupted_train, evaluation_images
from aecore.models.base import Autoencoder
from aecore.schema.base import ImageConfig

_BATCH = 1000


class Scorer:
    """Measures a model and its linear baseline on one dataset with one corruption.

    Args:
        images: the dataset.
        hyper: corruption and code size.

    Attributes:
        images: the dataset as it is measured: black and white where the configuration asks for it.
    """

    def __init__(self, images: Images, hyper: ImageConfig):
        self.images = images = evaluation_images(images, hyper)
        self.hyper = hyper
        self.clean_test = as_floats(images.x_test)
        self.corrupted_test = corrupted_test(images, hyper)

    @functools.cached_property
    def baseline(self) -> LinearBaseline:
        clean = as_floats(self.images.x_train)
        return LinearBaseline.fit(
            clean, None if self.hyper.noise == "none" else corrupted_train(self.images, self.hyper), self._code_size
        )

    def baseline_loss(self) -> float:
        """The baseline's held-out reconstruction error, in the unit of the run's loss."""
        output = self.baseline.decode(self.baseline.encode(self.corrupted_test))
        return self.hyper.baseline_loss(reconstruction_metrics(self.clean_test, output))

    def score(self, model: Autoencoder, stage: Callable[[str], None]) -> Mapping[str, float | None]:
        """Measures the model and PCA.

        Args:
            model: the trained autoencoder.
            stage: called with what is measured next.
        """
        stage("reconstructions")
        output, codes = batched(lambda x: (model(x), model.encode(x)), self.corrupted_test)
        if not (np.isfinite(output).all() and np.isfinite(codes).all()):
            return {"mse": None}
        metrics = self._images(output) | activity(codes)
        stage("codes")
        train = corrupted_train(self.images, self.hyper)
        (train_codes,) = batched(lambda x: (model.encode(x),), train)
        metrics |= self._codes(train_codes, codes)
        metrics |= model.extra_metrics(self.clean_test, self.corrupted_test, stage)
        stage("PCA")
        pca_codes = self.baseline.encode(self.corrupted_test)
        pca = self._images(self.baseline.decode(pca_codes).reshape(self.clean_test.shape))
        pca |= self._codes(self.baseline.encode(train), pca_codes)
        return metrics | {f"pca_{name}": value for name, value in pca.items()}

    @property
    def _code_size(self) -> int:
        return self.hyper.code_units

    def _images(self, output: np.ndarray) -> dict[str, float]:
        (similarity,) = batched(
            lambda a, b: (tf.image.ssim(a, b, max_val=1.0),), self.clean_test, np.clip(output, 0, 1).astype(np.float32)
        )
        return reconstruction_metrics(self.clean_test, output) | {"ssim": float(similarity.mean())}

    def _codes(self, train: np.ndarray, test: np.ndarray) -> dict[str, float]:
        return neighbour_metrics(train, self.images.y_train, test, self.images.y_test, self.clean_test)


def batched(function: Callable, *arrays: np.ndarray) -> list[np.ndarray]:
    """Applies a function of float32 batches that returns a tuple, and joins what it returns."""
    parts = [
        [np.asarray(part) for part in function(*(tf.constant(array[k : k + _BATCH]) for array in arrays))]
        for k in range(0, len(arrays[0]), _BATCH)
    ]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]
