"""Encoder and decoder by themselves, and the gradients that penalties give."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from aecore.errors import StorageError
from aecore.models import build
from aecore.models.regularizers import activity_penalty
from aecore.schema import IMAGE_SHAPE, variant
from aecore.schema.dense import Sparse
from aecore.training.checkpoint import Position, Stored, pack
from aecore.training.optimizers import make_optimizer

CODES = np.random.default_rng(0).uniform(0.05, 0.95, (12, 5)).astype(np.float32)
WEIGHTS = np.array([1] * 9 + [0] * 3, np.float32)


def kl_gradient(codes: np.ndarray, target: float) -> np.ndarray:
    mean = codes[WEIGHTS > 0].mean(axis=0)
    return ((1 - target) / (1 - mean) - target / mean) * WEIGHTS[:, None] / WEIGHTS.sum()


GRADIENTS = {
    "l1": ({"penalty_l1": 0.3}, lambda h: 0.3 * np.sign(h) * WEIGHTS[:, None] / WEIGHTS.sum()),
    "l2": ({"penalty_l2": 0.2}, lambda h: 0.2 * 2 * h * WEIGHTS[:, None] / WEIGHTS.sum()),
    "kl": (
        {"code_activation": "sigmoid", "sparsity_weight": 0.5, "sparsity_target": 0.1},
        lambda h: 0.5 * kl_gradient(h, 0.1),
    ),
}


@pytest.mark.parametrize("penalty", GRADIENTS)
def test_gradient_of_a_penalty(penalty: str):
    values, expected = GRADIENTS[penalty]
    codes: Any = tf.Variable(tf.constant(CODES))
    with tf.GradientTape() as tape:
        value: Any = activity_penalty(Sparse.make(values={"penalty": penalty, **values}), codes, tf.constant(WEIGHTS))
    np.testing.assert_allclose(tape.gradient(value, codes), expected(CODES), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("units", ["silent", "always on"])
def test_the_kl_penalty_of_a_saturated_code_has_a_finite_gradient(units: str):
    hyper = Sparse.make(values={"penalty": "kl", "code_activation": "sigmoid"})
    codes: Any = tf.Variable(tf.fill([4, 3], 0.0 if units == "silent" else 1.0))
    with tf.GradientTape() as tape:
        value: Any = activity_penalty(hyper, codes, tf.ones(4))
    assert np.isfinite(tape.gradient(value, codes, unconnected_gradients=tf.UnconnectedGradients.ZERO)).all()


@pytest.mark.parametrize("part", ["encoder", "decoder"])
@pytest.mark.parametrize("name", ["vanilla", "stacked"])
def test_a_part_can_be_saved_alone(part: str, name: str, tmp_path: Path):
    model = build(variant(name).make(values={"code_size": 5, "dropout": 0.2}), IMAGE_SHAPE)
    given = CODES if part == "decoder" else np.random.default_rng(1).random((3, *IMAGE_SHAPE), dtype=np.float32)
    whole = getattr(model, part)
    whole.save(tmp_path / "part.keras")
    alone: Any = keras.saving.load_model(tmp_path / "part.keras", safe_mode=True)
    assert np.array_equal(alone(given), whole(given))


@pytest.mark.parametrize("other", ["sgd", "rmsprop"])
def test_a_checkpoint_of_another_optimizer_is_refused(other: str):
    hyper = variant("vanilla").make(values={"code_size": 5})
    model = build(hyper, IMAGE_SHAPE)
    adam, wrong = make_optimizer(hyper), make_optimizer(type(hyper).make(values={"optimizer": other}))
    for optimizer in (adam, wrong):
        optimizer.build(model.trainable_variables)
    with pytest.raises(StorageError, match="does not fit this optimizer"):
        Stored(pack(model, adam, Position(1e-3))).restore_optimizer(wrong)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_byte_is_damaged_a_checkpoint_is_refused_or_whole(seed: int):
    """Bytes that say nothing, such as a time of change, may be hit; any other is noticed."""
    hyper = variant("vanilla").make(values={"code_size": 1})
    model, optimizer = build(hyper, IMAGE_SHAPE), make_optimizer(hyper)
    optimizer.build(model.trainable_variables)
    whole = pack(model, optimizer, Position(1e-3))
    rng = np.random.default_rng(seed)
    for place in rng.integers(len(whole), size=100):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.integers(8)
        try:
            Stored(bytes(damaged)).restore_model(model)
        except StorageError:
            continue
        assert pack(model, optimizer, Position(1e-3)) == whole
