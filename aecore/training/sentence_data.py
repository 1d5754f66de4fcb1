"""Sentences as a run is trained and measured on them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from aecore.datasets.text.prepared import Text
from aecore.messages.events import Snapshot
from aecore.messages.jobs import ENCODE, RECONSTRUCT
from aecore.models.base import Autoencoder
from aecore.models.sentence import SentenceAutoencoder, trimmed
from aecore.schema.sentence import Sentence
from aecore.training.predictor import Predictor
from aecore.training.run_data import DeviceData, Pair, RunData, Tensors, padded_batches
from aecore.training.sentence_score import SentenceScorer, topic_labels
from aecore.training.snapshot import TILES, as_float16, drawable

EXAMPLES, CODED = 10, 1000
EXAMPLE_WORDS = (6, 24)  # the sentences that are read along have so many
POOL = 50  # batches within which sentences are sorted by length
UNK = 1


class SentenceData(DeviceData):
    """Word ids on the device as uint16 [n, length]; they become vectors inside the compiled step."""

    def __init__(self, text: Text, hyper: Sentence):
        self._hyper = hyper
        self.training, self.held_out = tf.constant(text.ids[text.train]), tf.constant(text.ids[text.test])
        self._lengths = (text.ids[text.train] > 0).sum(axis=1), (text.ids[text.test] > 0).sum(axis=1)
        self.train_size, self.test_size = len(text.train), len(text.test)

    @staticmethod
    def train_batch(training: Tensors, rows: tf.Tensor, hyper: Any, seed: tf.Tensor, xla: bool) -> Pair:
        del xla
        clean = trimmed(tf.cast(tf.gather(training, rows), tf.int32), hyper)
        dropped = tf.random.stateless_uniform(tf.shape(clean), seed + (1 << 22)) < hyper.word_dropout
        return clean, tf.where(dropped & (clean > 0), UNK, clean)

    @staticmethod
    def test_batch(held_out: Tensors, rows: tf.Tensor, hyper: Any) -> Pair:
        clean = trimmed(tf.cast(tf.gather(held_out, rows), tf.int32), hyper)
        return clean, clean

    def batches(self, rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
        order = rng.permutation(self.train_size)
        if not (self._hyper.masked and self._hyper.similar_lengths):
            return padded_batches(order, size)
        pools = [order[k : k + POOL * size] for k in range(0, len(order), POOL * size)]
        order = np.concatenate([pool[np.argsort(self._lengths[0][pool], kind="stable")] for pool in pools])
        rows, weights = padded_batches(order, size)
        shuffled = rng.permutation(len(rows))
        return rows[shuffled], weights[shuffled]

    def test_batches(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        return padded_batches(np.argsort(self._lengths[1], kind="stable"), size)


class SentenceRunData(RunData):
    """A corpus with a run's vocabulary and vectors.

    Args:
        text: the corpus.
        hyper: vocabulary, length, what is minimised.
    """

    def __init__(self, text: Text, hyper: Sentence):
        self._text, self._hyper = text, hyper
        self.data = SentenceData(text, hyper)
        self.scorer = SentenceScorer(text, hyper)
        lengths = (text.ids[text.test] > 0).sum(axis=1)
        usual = np.flatnonzero((lengths >= EXAMPLE_WORDS[0]) & (lengths <= EXAMPLE_WORDS[1]))
        self._read = text.test[usual[:EXAMPLES] if len(usual) >= EXAMPLES else np.arange(min(EXAMPLES, len(text.test)))]
        coded = text.test[:CODED]
        self._fixed = {
            "shown": text.ids[self._read],
            "indices": coded.astype(np.int32),
            "labels": topic_labels(text.corpus, coded)[0],
        }
        self._coded = text.ids[coded].astype(np.int32)

    def set_up(self, model: Autoencoder) -> None:
        assert isinstance(model, SentenceAutoencoder)
        table = np.zeros(model.table.shape, np.float32)
        table[: len(self._text.vectors.table)] = self._text.vectors.table
        model.table.assign(table)

    def kept(self) -> Mapping[str, dict[str, np.ndarray]]:
        return {"language": self.scorer.language()}

    def snapshot(self, predictor: Predictor, position: float) -> Snapshot:
        reconstructed = predictor(RECONSTRUCT, ids=self._text.ids[self._read].astype(np.int32))
        codes = predictor(ENCODE, ids=self._coded)["codes"]
        arrays = {
            **self._fixed,
            "words": reconstructed["words"].astype(np.uint16),
            "cosines": as_float16(reconstructed["cosines"]),
            "codes": as_float16(drawable(codes)),
            "tiles": as_float16(predictor.model.tiles(TILES).numpy()),
        }
        self._fixed = {}
        return Snapshot(position, arrays)

    def baseline_loss(self, model: Autoencoder) -> float:
        assert isinstance(model, SentenceAutoencoder)
        return self.scorer.baseline_loss(model)

    def score(self, model: Autoencoder, stage: Callable[[str], None]) -> Mapping[str, float | None]:
        assert isinstance(model, SentenceAutoencoder)
        return self.scorer.score(model, stage)

    def artifacts(self) -> Mapping[str, dict[str, np.ndarray]]:
        return self.scorer.found
