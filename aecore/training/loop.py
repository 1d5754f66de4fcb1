"""The compiled loop: many steps in one call, on data that stays on the device as it is stored.

Dense models compile the whole loop with XLA; on a CPU convolutions run faster without it, on a GPU
everything is compiled.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from aecore.models.base import Autoencoder, Batch, Phase
from aecore.schema import VariantConfig
from aecore.training.optimizers import decay, make_optimizer
from aecore.training.run_data import DeviceData

EVALUATION_BATCH = 500
COUNT = "examples"  # their number, among the sums of the objective's terms


class Loop:
    """Training and evaluation of one phase, compiled.

    Args:
        model: the autoencoder.
        phase: what is minimised, by changing what.
        hyper: optimizer, schedule, corruption, seed.
        data: the examples.
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
        rows, weights = data.test_batches(min(EVALUATION_BATCH, data.test_size))
        self._test_rows, self._test_weights = tf.constant(rows), tf.constant(weights)
        self._epoch: tuple[int, tf.Tensor, tf.Tensor] | None = None

    def train(self, epoch: int, start: int, stop: int, learning_rate: float) -> dict[str, float]:
        """Takes the steps [start, stop) of an epoch.

        Args:
            epoch: number of the epoch within the phase, from 0; with the seed it gives the order of examples.
            start: first step.
            stop: step after the last.
            learning_rate: base of the schedule.

        Returns:
            Sums over the examples of the objective's terms, and `COUNT`, their number.
        """
        if self._epoch is None or self._epoch[0] != epoch:
            rng = np.random.default_rng((self.hyper.seed, epoch))
            rows, weights = self.data.batches(rng, self.batch_size)
            self._epoch = (epoch, tf.constant(rows), tf.constant(weights))
        _, rows, weights = self._epoch
        sums = self._train(
            self.data.training, rows, weights,
            tf.constant(epoch), tf.constant(start), tf.constant(stop),
            tf.constant(learning_rate, tf.float32), tf.constant(float(self.total_steps)),
        )  # fmt: skip
        return {name: float(value) for name, value in sums.items()}

    def learning_rate(self, base: float, epoch: int, step: int) -> float:
        """The schedule's learning rate before a step."""
        progress = (epoch * self.steps_per_epoch + step) / self.total_steps
        return base * float(decay(self.hyper, tf.constant(progress, tf.float32)))

    def evaluate(self, progress: float) -> dict[str, float]:
        """Means of the objective's terms over the held-out examples."""
        sums = self._test(self.data.held_out, self._test_rows, self._test_weights, tf.constant(progress, tf.float32))
        return {name: float(value) / self.data.test_size for name, value in sums.items() if name != COUNT}

    def _train_steps(self, training, rows, weights, epoch, start, stop, learning_rate, total_steps):
        def step_once(step, sums):
            taken = epoch * self.steps_per_epoch + step
            seed = tf.stack([tf.constant(self.hyper.seed), taken])
            progress = tf.cast(taken, tf.float32) / total_steps
            targets, inputs = self.data.train_batch(training, rows[step], seed, self._xla)
            batch = Batch(targets, inputs, weights[step], seed + (1 << 20), progress)
            with tf.GradientTape() as tape:
                terms = self.phase.objective(batch, True)
            gradients = tape.gradient(terms["loss"], self.phase.variables)
            self.optimizer.learning_rate.assign(learning_rate * decay(self.hyper, progress))
            self.optimizer.apply(gradients, self.phase.variables)
            return step + 1, self._added(sums, terms, weights[step])

        example = self.data.train_batch(training, rows[0], tf.zeros([2], tf.int32), self._xla)
        first = self._zero_sums(*example, weights[0])
        _, sums = tf.while_loop(lambda step, _: step < stop, step_once, (start, first))
        return dict(zip(self._names, sums, strict=True))

    def _test_batches(self, held_out, rows, weights, progress):
        def batch_once(k, sums):
            targets, inputs = self.data.test_batch(held_out, rows[k])
            seed = tf.stack([tf.constant(0), k])
            terms = self.phase.objective(Batch(targets, inputs, weights[k], seed, progress), False)
            return k + 1, self._added(sums, terms, weights[k])

        first = self._zero_sums(*self.data.test_batch(held_out, rows[0]), weights[0])
        _, sums = tf.while_loop(lambda k, _: k < tf.shape(rows)[0], batch_once, (tf.constant(0), first))
        return dict(zip(self._names, sums, strict=True))

    def _zero_sums(self, targets, inputs, weights):
        """Zeros for each term; their names are learnt by tracing the objective once (XLA drops the result)."""
        seed = tf.zeros([2], tf.int32)
        terms = self.phase.objective(Batch(targets, inputs, weights, seed, tf.constant(0.0)), False)
        self._names = [*terms, COUNT]
        return tuple(tf.constant(0.0) for _ in self._names)

    def _added(self, sums, terms, weights):
        count = tf.reduce_sum(weights)
        return tuple(
            total + (count if name == COUNT else terms[name] * count)
            for name, total in zip(self._names, sums, strict=True)
        )
