"""Parts of the training: batches, schedules, noise in the compiled step, checkpoints."""

import functools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from aecore.datasets import corrupt as corrupt_in_numpy
from aecore.errors import StorageError
from aecore.models import build
from aecore.schema import IMAGE_SHAPE, variant
from aecore.schema.dense import Vanilla
from aecore.training.checkpoint import Position, Stored, pack
from aecore.training.corruption import corrupt
from aecore.training.loop import COUNT
from aecore.training.optimizers import decay, make_optimizer
from aecore.training.run_data import padded_batches

GREY = np.full((60, *IMAGE_SHAPE), 0.5, np.float32)
NOISES = {
    "none": {"noise": "none"},
    "gaussian": {"noise": "gaussian", "noise_mean": 0.2, "noise_std": 0.4, "clip": False},
    "gaussian clipped": {"noise": "gaussian", "noise_mean": 0.2, "noise_std": 0.4, "clip": True},
    "masking": {"noise": "masking", "noise_fraction": 0.3},
    "salt and pepper": {"noise": "salt_and_pepper", "noise_fraction": 0.4},
}

# Batches


@pytest.mark.parametrize(("count", "size"), [(10, 4), (8, 4), (3, 3), (1, 1), (1437, 128), (9, 8)])
def test_batches_hold_each_image_once(count: int, size: int):
    order = np.random.default_rng(0).permutation(count)
    rows, weights = padded_batches(order, size)
    assert rows.shape == weights.shape == (-(-count // size), size)
    assert rows.dtype == np.int32
    assert rows[weights == 1].tolist() == order.tolist()
    assert set(rows.ravel().tolist()) <= set(range(count))
    assert weights.sum() == count


# Schedule


@pytest.mark.parametrize(
    ("schedule", "values"),
    [
        ("constant", [1, 1, 1]),
        ("cosine", [1, 0.01 + 0.99 * 0.5, 0.01]),
        ("exponential", [1, 0.1, 0.01]),
    ],
)
def test_schedule(schedule: str, values: list[float]):
    hyper = Vanilla.make(values={"schedule": schedule, "final_learning_rate": 0.01})
    found = [float(decay(hyper, tf.constant(share, tf.float32))) for share in (0, 0.5, 1)]
    assert found == pytest.approx(values, rel=1e-5)


# Noise


@functools.cache
def compiled(noise: str, xla: bool) -> Any:
    hyper = Vanilla.make(values=NOISES[noise])
    return tf.function(lambda images, seed: corrupt(images, hyper, seed, xla), jit_compile=xla)


def noisy(noise: str, seed: int, xla: bool) -> np.ndarray:
    return compiled(noise, xla)(tf.constant(GREY), tf.constant([seed, 0])).numpy()


@pytest.mark.parametrize("xla", [False, True], ids=["plain", "xla"])
@pytest.mark.parametrize("noise", NOISES)
def test_noise_is_that_of_numpy(noise: str, xla: bool):
    found = noisy(noise, 0, xla)
    expected = corrupt_in_numpy(GREY, Vanilla.make(values=NOISES[noise]), seed=0)
    assert found.shape == expected.shape
    assert found.mean() == pytest.approx(expected.mean(), abs=0.01)
    assert found.std() == pytest.approx(expected.std(), abs=0.01)
    for value in (0, 0.5, 1):
        assert (found == value).mean() == pytest.approx((expected == value).mean(), abs=0.01)


@pytest.mark.parametrize("xla", [False, True], ids=["plain", "xla"])
@pytest.mark.parametrize("noise", ["gaussian", "masking", "salt and pepper"])
def test_a_seed_fixes_the_noise(noise: str, xla: bool):
    first = noisy(noise, 1, xla)
    assert np.array_equal(first, noisy(noise, 1, xla))
    assert (first != noisy(noise, 2, xla)).mean() > 0.2
    assert (first[0] != first[1]).mean() > 0.2, "each image has its own noise"


def test_no_noise_changes_nothing():
    assert np.array_equal(noisy("none", 0, xla=False), GREY)


# Checkpoints


def trained(optimizer: str) -> tuple[Any, Any, Position]:
    """A model and its optimizer after three steps along made-up gradients."""
    hyper = variant("stacked").make(values={"hidden": "9", "code_size": 5, "dropout": 0.2, "optimizer": optimizer})
    model = build(hyper, IMAGE_SHAPE)
    maker = make_optimizer(hyper)
    maker.build(model.trainable_variables)
    for step in range(3):
        maker.apply([tf.ones_like(v) * (step + 1) for v in model.trainable_variables], model.trainable_variables)
    model(GREY, training=True)  # moves the state of the dropout's random numbers
    return model, maker, Position(0.02, epoch=3, step=7, seconds=1.5, sums={"loss": 0.1 + 0.2, "examples": 7.0})


def values(thing: Any) -> list[np.ndarray]:
    return [np.asarray(variable) for variable in thing.variables]


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop", "sgd"])
def test_a_checkpoint_holds_the_whole_state(optimizer: str):
    model, maker, position = trained(optimizer)
    stored = Stored(pack(model, maker, position))
    fresh = build(model.hyper, IMAGE_SHAPE)
    again = make_optimizer(model.hyper)
    again.build(fresh.trainable_variables)
    stored.restore_model(fresh)
    stored.restore_optimizer(again)
    assert stored.position == position
    for before, after in zip([*values(model), *values(maker)], [*values(fresh), *values(again)], strict=True):
        assert before.dtype == after.dtype
        assert np.array_equal(before, after)
    assert np.array_equal(fresh(GREY, training=True), model(GREY, training=True)), "dropout goes on where it was"


def damaged(data: bytes) -> dict[str, bytes]:
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 0xFF
    return {
        "empty": b"",
        "text": b"<html>",
        "half": data[: len(data) // 2],
        "flipped": bytes(flipped),
        "array": b"\x93NUMPY" + data,
        "zip": b"PK\x03\x04",
    }


@pytest.mark.parametrize("case", ["empty", "text", "half", "flipped", "array", "zip"])
def test_a_damaged_checkpoint_is_refused(case: str):
    with pytest.raises(StorageError, match="damaged"):
        Stored(damaged(pack(*trained("adam")))[case])


def test_a_checkpoint_of_another_model_is_refused():
    stored = Stored(pack(*trained("adam")))
    smaller = build(Vanilla.make(values={"code_size": 5}), IMAGE_SHAPE)
    wider = build(variant("stacked").make(values={"hidden": "10", "code_size": 5, "dropout": 0.2}), IMAGE_SHAPE)
    for other in (smaller, wider):
        before = values(other)
        with pytest.raises(StorageError, match="does not fit this model"):
            stored.restore_model(other)
        for a, b in zip(before, values(other), strict=True):
            assert np.array_equal(a, b)


def test_a_checkpoint_of_an_older_version_keeps_its_count():
    model, maker, position = trained("adam")
    stored = Stored(pack(model, maker, replace(position, sums={"loss": 0.3, "images": 7.0})))
    assert stored.position.sums == {"loss": 0.3, COUNT: 7.0}
