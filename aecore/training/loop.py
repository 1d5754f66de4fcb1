"""The compiled loop: many steps in one call, on images that stay on the device as uint8.

Dense models compile the whole loop with XLA; on a CPU convolutions run faster without it, on a GPU
everything is compiled.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from aecore.datasets import Images
from aecore.models.base import Autoencoder, Batch, Phase
from aecore.schema import VariantConfig
from aecore.training.corruption import binarise, corrupt
from aecore.training.optimizers import decay, make_optimizer

EVALUATION_BATCH = 500


class DeviceData:
    """The images on the device, and the held-out ones' fixed corruption.

    Attributes:
        train: uint8 [n, h, w, c].
        test: uint8 [m, h, w, c].
        corrupted: float32 [m, h, w, c], or None where the input is clean.
        corrupted_train: float32 [n, h, w, c], or None where noise is drawn in every step.
    """

    def __init__(self, images: Images, corrupted_test: np.ndarray | None, corrupted_train: np.ndarray | None = None):
        self.train = tf.constant(images.x_train)
        self.test = tf.constant(images.x_test)
        self.corrupted = None if corrupted_test is None else tf.constant(corrupted_test)
        self.corrupted_train = None if corrupted_train is None else tf.constant(corrupted_train)
        self.train_size, self.test_size = len(images.x_train), len(images.x_test)


def padded_batches(order: np.ndarray, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cuts an order of images into equal batches.

    The last batch is filled up from the order's beginning with weight 0, so that one compiled shape does
    for every step and the last images still count as they should.

    Args:
        order: integers [n].
        batch_size: images in a batch.

    Returns:
        (int32 [batches, batch_size], float32 [batches, batch_size] of ones and zeros).
    """
    batches = -(-len(order) // batch_size)
    total = batches * batch_size
    weights = (np.arange(total) < len(order)).astype(np.float32)
    return np.resize(order, total).astype(np.int32).reshape(batches, -1), weights.reshape(batches, -1)


class Loop:
    """Training and evaluation of one phase, compiled.

    Args:
        model: the autoencoder.
        phase: what is minimised, by changing what.
        hyper: optimizer, schedule, corruption, seed.
        data: the images.
        xla: whether the loop is compiled with XLA.
    """

    def __init__(self, model: Autoencoder, phase: Phase, hyper: VariantConfig, data: DeviceData, xla: bool):
        self.phase, self.hyper, self.data, self._xla = phase, hyper, data, xla
        self.batch_size = min(hyper.batch_size, data.train_size)
        self.steps_per_epoch = hyper.steps_per_epoch(data.train_size)
        self.total_steps = phase.epochs * self.steps_per_epoch
        self.optimizer: Any = make_optimizer(hyper)
        self.optimizer.build(phase.variables)
        self._names: list[str] = []
        self._train = tf.function(self._train_steps, jit_compile=xla)
        self._test = tf.function(self._test_batches, jit_compile=xla)
        rows, weights = padded_batches(np.arange(data.test_size), min(EVALUATION_BATCH, data.test_size))
        self._test_rows, self._test_weights = tf.constant(rows), tf.constant(weights)
        self._epoch: tuple[int, tf.Tensor, tf.Tensor] | None = None

    def train(self, epoch: int, start: int, stop: int, learning_rate: float) -> dict[str, float]:
        """Takes the steps [start, stop) of an epoch.

        Args:
            epoch: number of the epoch within the phase, from 0; with the seed it gives the order of images.
            start: first step.
            stop: step after the last.
            learning_rate: base of the schedule.

        Returns:
            Sums over the images of the objective's terms, and "images", their number.
        """
        if self._epoch is None or self._epoch[0] != epoch:
            order = np.random.default_rng((self.hyper.seed, epoch)).permutation(self.data.train_size)
            rows, weights = padded_batches(order, self.batch_size)
            self._epoch = (epoch, tf.constant(rows), tf.constant(weights))
        _, rows, weights = self._epoch
        sums = self._train(
            self.data.train, self.data.corrupted_train, rows, weights,
            tf.constant(epoch), tf.constant(start), tf.constant(stop),
            tf.constant(learning_rate, tf.float32), tf.constant(float(self.total_steps)),
        )  # fmt: skip
        return {name: float(value) for name, value in sums.items()}

    def learning_rate(self, base: float, epoch: int, step: int) -> float:
        """The schedule's learning rate before a step."""
        progress = (epoch * self.steps_per_epoch + step) / self.total_steps
        return base * float(decay(self.hyper, tf.constant(progress, tf.float32)))

    def evaluate(self, progress: float) -> dict[str, float]:
        """Means of the objective's terms over the held-out images."""
        clean = self.data.test
        corrupted = clean if self.data.corrupted is None else self.data.corrupted
        sums = self._test(clean, corrupted, self._test_rows, self._test_weights, tf.constant(progress, tf.float32))
        return {name: float(value) / self.data.test_size for name, value in sums.items() if name != "images"}

    def _train_steps(self, images, kept, rows, weights, epoch, start, stop, learning_rate, total_steps):
        def step_once(step, sums):
            clean = _scaled(tf.gather(images, rows[step]))
            taken = epoch * self.steps_per_epoch + step
            seed = tf.stack([tf.constant(self.hyper.seed), taken])
            progress = tf.cast(taken, tf.float32) / total_steps
            if self.hyper.binary:
                clean = binarise(clean, seed + (1 << 21), self._xla)
            shown = corrupt(clean, self.hyper, seed, self._xla) if kept is None else tf.gather(kept, rows[step])
            batch = Batch(clean, shown, weights[step], seed + (1 << 20), progress)
            with tf.GradientTape() as tape:
                terms = self.phase.objective(batch, True)
            gradients = tape.gradient(terms["loss"], self.phase.variables)
            self.optimizer.learning_rate.assign(learning_rate * decay(self.hyper, progress))
            self.optimizer.apply(gradients, self.phase.variables)
            return step + 1, self._added(sums, terms, weights[step])

        first = self._zero_sums(_scaled(tf.gather(images, rows[0])), weights[0])
        _, sums = tf.while_loop(lambda step, _: step < stop, step_once, (start, first))
        return dict(zip(self._names, sums, strict=True))

    def _test_batches(self, images, corrupted, rows, weights, progress):
        def batch_once(k, sums):
            clean, noisy = _scaled(tf.gather(images, rows[k])), tf.gather(corrupted, rows[k])
            noisy = _scaled(noisy) if noisy.dtype == tf.uint8 else noisy
            seed = tf.stack([tf.constant(0), k])
            terms = self.phase.objective(Batch(clean, noisy, weights[k], seed, progress), False)
            return k + 1, self._added(sums, terms, weights[k])

        first = self._zero_sums(_scaled(tf.gather(images, rows[0])), weights[0])
        _, sums = tf.while_loop(lambda k, _: k < tf.shape(rows)[0], batch_once, (tf.constant(0), first))
        return dict(zip(self._names, sums, strict=True))

    def _zero_sums(self, clean, weights):
        """Zeros for each term; their names are learnt by tracing the objective once (XLA drops the result)."""
        seed = tf.zeros([2], tf.int32)
        terms = self.phase.objective(Batch(clean, clean, weights, seed, tf.constant(0.0)), False)
        self._names = [*terms, "images"]
        return tuple(tf.constant(0.0) for _ in self._names)

    def _added(self, sums, terms, weights):
        count = tf.reduce_sum(weights)
        return tuple(
            total + (count if name == "images" else terms[name] * count)
            for name, total in zip(self._names, sums, strict=True)
        )


def _scaled(images: tf.Tensor) -> tf.Tensor:
    return tf.cast(images, tf.float32) / 255.0
