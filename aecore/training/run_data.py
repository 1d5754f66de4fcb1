"""What a run is trained and measured on; images and sentences each have their own kind.

The engine and the compiled loop know nothing of either: they ask for batches, snapshots and figures.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from aecore.messages.events import Snapshot
from aecore.models.base import Autoencoder
from aecore.training.predictor import Predictor

Pair = tuple[tf.Tensor, tf.Tensor]
Tensors = Any  # in any nesting, passed into the compiled functions as they are


class DeviceData(ABC):
    """The examples as tensors.

    Attributes:
        training: what `train_batch` is given.
        held_out: what `test_batch` is given.
        train_size: number of training examples.
        test_size: number of held-out ones.
    """

    training: Tensors
    held_out: Tensors
    train_size: int
    test_size: int

    @staticmethod
    @abstractmethod
    def train_batch(training: Tensors, rows: tf.Tensor, hyper: Any, seed: tf.Tensor, xla: bool) -> Pair:
        """Examples as the target and as they are shown to the model, inside the compiled step.

        Args:
            training: `training`, as the compiled function sees it.
            rows: int32 [n], which examples.
            hyper: that of a `Batch`.
            seed: int32 [2], different in every step.
            xla: whether the step is compiled with XLA.

        Returns:
            Two tensors [n, ...].
        """

    @staticmethod
    @abstractmethod
    def test_batch(held_out: Tensors, rows: tf.Tensor, hyper: Any) -> Pair:
        """Held-out examples as the target and as they are shown to the model; see `train_batch`."""

    def batches(self, rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
        """The batches of an epoch in a random order; see `padded_batches`."""
        return padded_batches(rng.permutation(self.train_size), size)

    def test_batches(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """The batches of the held-out examples; see `padded_batches`."""
        return padded_batches(np.arange(self.test_size), size)


class RunData(ABC):
    """A dataset as one run uses it.

    Attributes:
        data: the examples on the device.
    """

    data: DeviceData

    def set_up(self, model: Autoencoder) -> None:  # noqa: B027 (images need nothing)
        """Gives an untrained model what it needs of the data."""

    def kept(self) -> Mapping[str, dict[str, np.ndarray]]:
        """Arrays that are stored with the run when it starts, by the name under which they are kept."""
        return {}

    @abstractmethod
    def snapshot(self, predictor: Predictor, position: float) -> Snapshot:
        """A snapshot of the predictor's model now; the first one also carries what never changes."""

    @abstractmethod
    def baseline_loss(self, model: Autoencoder) -> float:
        """Held-out loss of the baseline, in the unit of the run's loss."""

    @abstractmethod
    def score(self, model: Autoencoder, stage: Callable[[str], None]) -> Mapping[str, float | None]:
        """The scorecard.

        Args:
            model: the trained autoencoder.
            stage: called with what is measured next.
        """

    def baselines(self, stage: Callable[[str], None]) -> Mapping[str, float]:
        """Figures of what was not trained, for comparison; see `score`."""
        del stage
        return {}

    def artifacts(self) -> Mapping[str, dict[str, np.ndarray]]:
        """What `score` found beside its figures, by the name under which it is kept."""
        return {}


def padded_batches(order: np.ndarray, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cuts an order of examples into equal batches.

    The last batch is filled up from the order's beginning with weight 0, so that one compiled shape does
    for every step and the last ones still count as they should.

    Args:
        order: integers [n].
        batch_size: examples in a batch.

    Returns:
        (int32 [batches, batch_size], float32 [batches, batch_size] of ones and zeros).
    """
    batches = -(-len(order) // batch_size)
    total = batches * batch_size
    weights = (np.arange(total) < len(order)).astype(np.float32)
    return np.resize(order, total).astype(np.int32).reshape(batches, -1), weights.reshape(batches, -1)
