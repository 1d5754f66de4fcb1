"""The noise in NumPy: its statistics, its range, and that a seed fixes it."""

import numpy as np
import pytest

from aecore.datasets import corrupt
from aecore.schema.dense import Vanilla

GREY = np.full((200, 28, 28, 1), 0.5, np.float32)
NOISE_TYPES = ("gaussian", "masking", "salt_and_pepper")


@pytest.mark.parametrize("noise", ["none", *NOISE_TYPES])
def test_keeps_shape_and_type_and_the_input(noise: str):
    images = np.random.default_rng(0).random((3, 28, 28, 1), dtype=np.float32)
    before = images.copy()
    noisy = corrupt(images, Vanilla.make(values={"noise": noise}), seed=0)
    assert noisy.shape == images.shape
    assert noisy.dtype == np.float32
    assert np.array_equal(images, before)
    assert noisy.min() >= 0
    assert noisy.max() <= 1


def test_none_returns_the_input():
    assert corrupt(GREY, Vanilla.make(values={"noise": "none"}), seed=0) is GREY


@pytest.mark.parametrize("noise", NOISE_TYPES)
def test_a_seed_fixes_it(noise: str):
    config = Vanilla.make(values={"noise": noise})
    noisy = corrupt(GREY, config, seed=5)
    assert np.array_equal(noisy, corrupt(GREY, config, seed=5))
    assert not np.array_equal(noisy, corrupt(GREY, config, seed=6))
    assert np.array_equal(noisy[:7], corrupt(GREY[:7], config, seed=5))


def test_gaussian_has_its_mean_and_deviation():
    config = Vanilla.make(values={"noise": "gaussian", "noise_mean": 0.2, "noise_std": 0.4, "clip": False})
    added = corrupt(GREY, config, seed=0) - GREY
    assert added.mean() == pytest.approx(0.2, abs=0.005)
    assert added.std() == pytest.approx(0.4, abs=0.005)
    assert added.max() > 1


def test_gaussian_is_clipped_on_request():
    config = Vanilla.make(values={"noise": "gaussian", "noise_std": 0.5, "clip": True})
    free = corrupt(GREY, config.model_copy(update={"clip": False}), seed=0)
    assert np.array_equal(corrupt(GREY, config, seed=0), np.clip(free, 0, 1))


def test_masking_hits_its_share():
    noisy = corrupt(GREY, Vanilla.make(values={"noise": "masking", "noise_fraction": 0.3}), seed=0)
    assert (noisy == 0).mean() == pytest.approx(0.3, abs=0.005)
    assert np.isin(noisy, (0, 0.5)).all()


def test_salt_and_pepper_come_in_equal_parts():
    noisy = corrupt(GREY, Vanilla.make(values={"noise": "salt_and_pepper", "noise_fraction": 0.4}), seed=0)
    assert (noisy == 0).mean() == pytest.approx(0.2, abs=0.005)
    assert (noisy == 1).mean() == pytest.approx(0.2, abs=0.005)
    assert np.isin(noisy, (0, 0.5, 1)).all()


@pytest.mark.parametrize("noise", ["masking", "salt_and_pepper"])
def test_shares_of_nothing_and_of_all(noise: str):
    nothing = Vanilla.make(values={"noise": noise, "noise_fraction": 0})
    assert np.array_equal(corrupt(GREY, nothing, seed=0), GREY)
    everything = Vanilla.make(values={"noise": noise, "noise_fraction": 1})
    assert not (corrupt(GREY, everything, seed=0) == 0.5).any()


def test_one_image_is_no_batch():
    with pytest.raises(ValueError, match=r"received shape \[784\]"):
        corrupt(np.zeros(784, np.float32), Vanilla.make(), seed=0)
