"""The compiled loop: many steps in one call, on data that stays on the device as it is stored.

Dense models compile the whole loop with XLA; on a CPU convolutions run faster without it, on a GPU
everything is compiled.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from aecore.models.base import Autoencoder, Batch, Phase, StepConfig
from aecore.schema import VariantConfig
from aecore.training.optimizers import decay, make_optimizer
from aecore.training.run_data import DeviceData, Tensors

EVALUATION_BATCH = 500
COUNT = "examples"  # their number, among the sums of the objective's terms
Sums = dict[str, tf.Tensor]


class CompiledLoop:
    """The steps of a phase and its evaluation, compiled once for all runs of a structure.

    All in which these runs differ is an argument: data, order, and the configuration's `arguments`. Weights and the
    optimizer's variables are those that the model and `optimizer` hold when it is called.

    Args:
        model: the autoencoder.
        phase: what is minimised, by changing what.
        data_class: how batches are made.
        xla: whether the loop is compiled with XLA.
    """

    def __init__(self, model: Autoencoder, phase: Phase, data_class: type[DeviceData], xla: bool):
        self._phase, self._hyper, self._data_class, self._xla = phase, model.hyper, data_class, xla
        self.optimizer: Any = make_optimizer(model.hyper)
        self.optimizer.build(phase.variables)
        self._names: list[str] = []
        self.train = tf.function(self._train, jit_compile=xla, autograph=False)
        self.test = tf.function(self._test, jit_compile=xla, autograph=False)

    def _train(self, training: Tensors, rows, weights, arguments, epoch, start, stop, steps, total_steps) -> Sums:
        """Takes steps of an epoch.

        Args:
            training: see `DeviceData.training`.
            rows: int32 [steps, n], the examples of each step.
            weights: float32 [steps, n], 1 for an example, 0 for padding.
            arguments: see `StepConfig`.
            epoch: int32, its number within the phase, from 0.
            start: int32, the first step.
            stop: int32, the step after the last.
            steps: int32, steps in an epoch.
            total_steps: float32, steps in the phase.

        Returns:
            Sums over the examples of the objective's terms, and `COUNT`, their number.
        """
        hyper = StepConfig(self._hyper, arguments)

        def step_once(step, sums):
            taken = epoch * steps + step
            seed = tf.stack([hyper.seed, taken])
            progress = tf.cast(taken, tf.float32) / total_steps
            targets, inputs = self._data_class.train_batch(training, rows[step], hyper, seed, self._xla)
            batch = Batch(targets, inputs, weights[step], seed + (1 << 20), progress, hyper)
            with tf.GradientTape() as tape:
                terms = self._phase.objective(batch, True)
            gradients = tape.gradient(terms["loss"], self._phase.variables)
            self.optimizer.learning_rate.assign(hyper.learning_rate * decay(hyper, progress))
            self.optimizer.apply(gradients, self._phase.variables)
            return step + 1, self._added(sums, terms, weights[step])

        example = self._data_class.train_batch(training, rows[0], hyper, tf.zeros([2], tf.int32), self._xla)
        first = self._zero_sums(*example, weights[0], hyper)
        _, sums = tf.while_loop(lambda step, _: step < stop, step_once, (start, first))
        return dict(zip(self._names, sums, strict=True))

    def _test(self, held_out: Tensors, rows, weights, arguments, progress) -> Sums:
        """Measures held-out examples; see `_train`."""
        hyper = StepConfig(self._hyper, arguments)

        def batch_once(k, sums):
            targets, inputs = self._data_class.test_batch(held_out, rows[k], hyper)
            seed = tf.stack([tf.constant(0), k])
            terms = self._phase.objective(Batch(targets, inputs, weights[k], seed, progress, hyper), False)
            return k + 1, self._added(sums, terms, weights[k])

        first = self._zero_sums(*self._data_class.test_batch(held_out, rows[0], hyper), weights[0], hyper)
        _, sums = tf.while_loop(lambda k, _: k < tf.shape(rows)[0], batch_once, (tf.constant(0), first))
        return dict(zip(self._names, sums, strict=True))

    def _zero_sums(self, targets, inputs, weights, hyper):
        """Zeros for each term; their names are learnt by tracing the objective once (XLA drops the result)."""
        seed = tf.zeros([2], tf.int32)
        terms = self._phase.objective(Batch(targets, inputs, weights, seed, tf.constant(0.0), hyper), False)
        self._names = [*terms, COUNT]
        return tuple(tf.constant(0.0) for _ in self._names)

    def _added(self, sums, terms, weights):
        count = tf.reduce_sum(weights)
        return tuple(
            total + (count if name == COUNT else terms[name] * count)
            for name, total in zip(self._names, sums, strict=True)
        )


class Loop:
    """A phase of one run: calls what is compiled with the run's data, order and numbers.

    Args:
        compiled: the steps; the model holds the run's weights whenever this is called.
        hyper: optimizer, schedule, corruption, seed.
        epochs: of the phase.
        data: the examples.
    """

    def __init__(self, compiled: CompiledLoop, hyper: VariantConfig, epochs: int, data: DeviceData):
        self.optimizer = compiled.optimizer
        self._compiled, self._hyper, self._data = compiled, hyper, data
        self._batch_size = min(hyper.batch_size, data.train_size)
        self.steps_per_epoch = hyper.steps_per_epoch(data.train_size)
        self.total_steps = epochs * self.steps_per_epoch
        rows, weights = data.test_batches(min(EVALUATION_BATCH, data.test_size))
        self._test_rows, self._test_weights = tf.constant(rows), tf.constant(weights)
        self._arguments = as_tensors(hyper.arguments())
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
            rng = np.random.default_rng((self._hyper.seed, epoch))
            rows, weights = self._data.batches(rng, self._batch_size)
            self._epoch = (epoch, tf.constant(rows), tf.constant(weights))
        _, rows, weights = self._epoch
        self._arguments["learning_rate"] = tf.constant(learning_rate, tf.float32)
        sums = self._compiled.train(
            self._data.training, rows, weights, self._arguments,
            tf.constant(epoch), tf.constant(start), tf.constant(stop),
            tf.constant(self.steps_per_epoch), tf.constant(float(self.total_steps)),
        )  # fmt: skip
        return {name: float(value) for name, value in sums.items()}

    def learning_rate(self, base: float, epoch: int, step: int) -> float:
        """The schedule's learning rate before a step."""
        return base * float(decay(self._hyper, tf.constant(self.progress(epoch, step), tf.float32)))

    def progress(self, epoch: int, step: int = 0) -> float:
        """Share of the phase that is done before a step of an epoch."""
        return (epoch * self.steps_per_epoch + step) / self.total_steps

    def evaluate(self, progress: float) -> dict[str, float]:
        """Means of the objective's terms over the held-out examples."""
        sums = self._compiled.test(
            self._data.held_out, self._test_rows, self._test_weights, self._arguments,
            tf.constant(progress, tf.float32),
        )  # fmt: skip
        return {name: float(value) / self._data.test_size for name, value in sums.items() if name != COUNT}


def as_tensors(arguments: Mapping[str, float]) -> dict[str, tf.Tensor]:
    """A configuration's `arguments` as scalars: int32 for the seed, else float32."""
    return {
        name: tf.constant(value, tf.int32 if isinstance(value, int) else tf.float32)
        for name, value in arguments.items()
    }
