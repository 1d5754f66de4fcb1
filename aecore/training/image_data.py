"""Images as a run is trained and measured on them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from aecore.analysis.denoisers import psnr, tuned_non_local_means, tuned_pca
from aecore.datasets import Images
from aecore.datasets.evaluation import as_floats
from aecore.messages.events import Snapshot
from aecore.models.base import Autoencoder
from aecore.schema.base import ImageConfig
from aecore.training.corruption import binarise, corrupt
from aecore.training.predictor import Predictor
from aecore.training.prepared import prepared
from aecore.training.run_data import DeviceData, Pair, RunData, Tensors, padded_batches
from aecore.training.scorecard import Scorer
from aecore.training.snapshot import Photographer

PCA_DENOISER_IMAGES = 10_000


class ImageRunData(RunData):
    """A dataset of images with a run's corruption.

    Args:
        images: the dataset, as it is loaded.
        hyper: corruption, and whether pixels are black and white.
    """

    def __init__(self, images: Images, hyper: ImageConfig):
        self.data = ImageData(images, hyper)
        self.scorer = Scorer(images, hyper)
        self._photographer = Photographer(self.scorer.prepared)

    def snapshot(self, predictor: Predictor, position: float) -> Snapshot:
        return self._photographer.take(predictor, position)

    def baseline_loss(self, model: Autoencoder) -> float:
        del model  # PCA's does not depend on it
        return self.scorer.baseline_loss()

    def score(self, model: Autoencoder, stage: Callable[[str], None]) -> Mapping[str, float | None]:
        return self.scorer.score(model, stage)

    def baselines(self, stage: Callable[[str], None]) -> Mapping[str, float]:
        """For Gaussian noise `pca_denoiser_psnr` and `nlm_psnr` (non-local means), tuned on training images."""
        hyper, on = self.scorer.hyper, self.scorer.prepared
        if hyper.noise != "gaussian":
            return {}
        clean, noisy = as_floats(on.images.x_train), on.corrupted_train()
        stage("a PCA denoiser")
        pca = tuned_pca(clean[:PCA_DENOISER_IMAGES], noisy[:PCA_DENOISER_IMAGES])
        found = {"pca_denoiser_psnr": psnr(on.clean_test, pca(on.corrupted_test))}
        stage("non-local means")
        nlm = tuned_non_local_means(clean, noisy)
        return found | {"nlm_psnr": psnr(on.clean_test, nlm(on.corrupted_test))}


class ImageData(DeviceData):
    """The images on the device; see `PreparedImages` for what `training` and `held_out` are."""

    def __init__(self, images: Images, hyper: ImageConfig):
        self._hyper, self._prepared = hyper, prepared(images, hyper)
        self.training, self.held_out = self._prepared.training, self._prepared.held_out
        self.train_size, self.test_size = len(images.x_train), len(images.x_test)

    @staticmethod
    def train_batch(training: Tensors, rows: tf.Tensor, hyper: Any, seed: tf.Tensor, xla: bool) -> Pair:
        images, kept = training
        clean = _scaled(tf.gather(images, rows))
        if hyper.binary:
            clean = binarise(clean, seed + (1 << 21), xla)
        return clean, corrupt(clean, hyper, seed, xla) if kept is None else tf.gather(kept, rows)

    def batches(self, rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
        if self._hyper.shuffle:
            return super().batches(rng, size)
        return padded_batches(np.arange(self.train_size), size)

    @staticmethod
    def test_batch(held_out: Tensors, rows: tf.Tensor, hyper: Any) -> Pair:
        del hyper  # held-out images are corrupted once
        images, corrupted = held_out
        clean = _scaled(tf.gather(images, rows))
        return clean, clean if corrupted is None else tf.gather(corrupted, rows)


def _scaled(images: tf.Tensor) -> tf.Tensor:
    return tf.cast(images, tf.float32) / 255.0
