"""The images on which runs are measured: the same in every call, held out for certain, black and white on request."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aecore.datasets import Images, load
from aecore.datasets.evaluation import (
    as_floats,
    as_pixels,
    coded,
    corrupted_test,
    corrupted_train,
    evaluation_images,
    images_of,
    pictured,
)
from aecore.datasets.load import VALIDATION_SHARE
from aecore.schema import ImageConfig, RunConfig
from aecore.schema.dense import Denoising, Vanilla
from aecore.schema.variational import Variational
from aecore.settings import Settings

BLACK_AND_WHITE = Variational.make(values={"binarise": True})
CLEAN = Vanilla.make(values={"noise": "none"})
NOISY = [Denoising.make(values={"noise": noise}) for noise in ("gaussian", "masking", "salt_and_pepper")]


def made_up(train: int = 60, test: int = 20) -> Images:
    """Images of 4×4 pixels, each with its number in the first two, and no two alike."""
    rng, count = np.random.default_rng(0), train + test
    x = rng.integers(0, 256, (count, 4, 4, 1), dtype=np.uint8)
    x[:, 0, 0, 0], x[:, 0, 1, 0] = np.divmod(np.arange(count), 256)
    y = (np.arange(count) % 10).astype(np.uint8)
    return Images(x[:train], y[:train], x[train:], y[train:])


def numbers(x: np.ndarray) -> list[int]:
    return (256 * x[:, 0, 0, 0].astype(int) + x[:, 0, 1, 0]).tolist()


@pytest.fixture(scope="module")
def digits() -> Images:
    return load("digits", Settings(home=Path("unused")))


# Tuning without the test images


@pytest.mark.parametrize(("count", "held_out"), [(60_000, 10_000), (1437, 239), (60, 10), (7, 1), (2, 1)])
def test_a_sixth_of_the_training_images_is_held_out(count: int, held_out: int):
    part = made_up(train=count, test=3).without_test()
    assert count // VALIDATION_SHARE == held_out or count < VALIDATION_SHARE
    assert len(part.x_train) == len(part.y_train) == count - held_out
    assert len(part.x_test) == len(part.y_test) == held_out


def test_no_test_image_is_held_out_and_none_that_is_held_out_is_trained_on():
    whole = made_up()
    part = whole.without_test()
    trained, held_out, forbidden = numbers(part.x_train), numbers(part.x_test), numbers(whole.x_test)
    assert trained + held_out == numbers(whole.x_train)
    assert len(set(trained + held_out)) == 60
    assert not set(trained + held_out) & set(forbidden)


def test_each_image_keeps_its_label_and_cannot_be_changed():
    part = made_up().without_test()
    for x, y in ((part.x_train, part.y_train), (part.x_test, part.y_test)):
        assert [number % 10 for number in numbers(x)] == y.tolist()
        with pytest.raises(ValueError, match="read-only"):
            x[0] = 0


@pytest.mark.parametrize("held_out", ["test", "validation"])
def test_a_run_on_validation_images_never_sees_the_test_images(held_out: str, digits: Images):
    found = images_of(RunConfig.make("vanilla", "digits", None, {"held_out": held_out}), Settings(home=Path("unused")))
    if held_out == "test":
        assert np.array_equal(found.x_test, digits.x_test)
        assert np.array_equal(found.x_train, digits.x_train)
    else:
        assert len(found.x_test) == len(digits.x_train) // 6
        assert not np.array_equal(found.x_test, digits.x_test[: len(found.x_test)])
        assert np.array_equal(np.concatenate([found.x_train, found.x_test]), digits.x_train)
        assert np.array_equal(np.concatenate([found.y_train, found.y_test]), digits.y_train)


# Black and white


def test_pixels_are_white_with_their_grey_as_the_probability():
    ramp = np.tile(np.arange(256, dtype=np.uint8)[:, None, None, None], (1, 40, 50, 1))
    labels = np.zeros(256, np.uint8)
    found = Images(ramp, labels, ramp.copy(), labels).binarised(3)
    for x in (found.x_train, found.x_test):
        assert x.dtype == np.uint8
        assert set(np.unique(x)) == {0, 255}
        shares = (x == 255).mean(axis=(1, 2, 3))
        np.testing.assert_allclose(shares, np.arange(256) / 255, atol=0.05)
        assert np.abs(shares - np.arange(256) / 255).mean() < 0.015
    assert not np.array_equal(found.x_train, found.x_test), "each image has draws of its own"


def test_what_is_black_or_white_stays_so():
    rng = np.random.default_rng(0)
    x = rng.choice(np.array([0, 255], np.uint8), (500, 28, 28, 1))
    labels = np.zeros(500, np.uint8)
    found = Images(x, labels, x, labels).binarised(0)
    assert np.array_equal(found.x_train, x)
    assert np.array_equal(found.x_test, x)


def test_digits_keep_their_mean_and_their_labels(digits: Images):
    found = digits.binarised(7)
    for before, after in ((digits.x_train, found.x_train), (digits.x_test, found.x_test)):
        assert after.shape == before.shape
        assert after.mean() == pytest.approx(before.mean(), rel=0.01)
    assert np.array_equal(found.y_train, digits.y_train)
    assert np.array_equal(found.y_test, digits.y_test)
    assert len(np.unique(digits.x_test)) > 100, "the greys are still there"


def test_a_seed_fixes_the_draws(digits: Images):
    first, same, other = digits.binarised(1), digits.binarised(1), digits.binarised(2)
    assert np.array_equal(first.x_train, same.x_train)
    assert np.array_equal(first.x_test, same.x_test)
    assert not np.array_equal(first.x_test, other.x_test)


# What a run is measured on


def test_only_a_run_on_black_and_white_pixels_is_measured_on_them(digits: Images):
    assert evaluation_images(digits, CLEAN) is digits
    assert evaluation_images(digits, Variational.make()) is digits
    greys = {"binarise": True, "likelihood": "gaussian"}
    assert evaluation_images(digits, Variational.make(values=greys)) is digits
    assert set(np.unique(evaluation_images(digits, BLACK_AND_WHITE).x_test)) == {0, 255}


def test_every_run_is_measured_on_the_same_black_and_white_images(digits: Images):
    other = Variational.make(values={"binarise": True, "seed": 5, "network": "convolutional"})
    first, second = evaluation_images(digits, BLACK_AND_WHITE), evaluation_images(digits, other)
    assert np.array_equal(first.x_test, second.x_test)
    assert np.array_equal(first.x_train, second.x_train)


@pytest.mark.parametrize("hyper", NOISY, ids=lambda hyper: hyper.noise)
def test_every_run_is_shown_the_same_noise(hyper: ImageConfig, digits: Images):
    other = type(hyper).make(values={"noise": hyper.noise, "seed": 9, "code_size": 3})
    for shown, count in ((corrupted_test, 360), (corrupted_train, 1437)):
        first = shown(digits, hyper)
        assert first.shape == (count, 28, 28, 1)
        assert first.dtype == np.float32
        assert np.array_equal(first, shown(digits, other))


@pytest.mark.parametrize("hyper", NOISY, ids=lambda hyper: hyper.noise)
def test_training_images_have_other_noise_than_held_out_ones(hyper: ImageConfig):
    grey = np.full((50, 28, 28, 1), 128, np.uint8)
    same = Images(grey, np.zeros(50, np.uint8), grey, np.zeros(50, np.uint8))
    assert (corrupted_test(same, hyper) != corrupted_train(same, hyper)).mean() > 0.2


def test_without_noise_the_images_themselves_are_shown(digits: Images):
    assert np.array_equal(corrupted_test(digits, CLEAN), digits.x_test / np.float32(255))
    assert np.array_equal(corrupted_train(digits, CLEAN), digits.x_train / np.float32(255))


# Which images are drawn


def test_ten_images_are_drawn_one_of_each_class(digits: Images):
    chosen = pictured(digits)
    assert digits.y_test[chosen].tolist() == list(range(10))
    assert np.array_equal(chosen, pictured(digits))
    assert np.array_equal(chosen, pictured(digits.binarised(0))), "in whatever colours"


@pytest.mark.parametrize(("count", "drawn"), [(1000, 360), (360, 360), (100, 100), (1, 1)])
def test_codes_are_drawn_of_as_many_images_as_there_are(count: int, drawn: int, digits: Images):
    chosen = coded(digits, count)
    assert len(set(chosen.tolist())) == len(chosen) == drawn
    assert np.array_equal(chosen, coded(digits, count))
    assert np.array_equal(chosen, coded(digits)[:drawn]), "fewer are the first of the more"


def test_codes_of_few_images_show_each_class_equally(digits: Images):
    assert np.bincount(digits.y_test[coded(digits, 100)]).tolist() == [10] * 10


# Bytes and numbers


def test_pixels_make_the_round_trip_through_numbers():
    pixels = np.arange(256, dtype=np.uint8)
    found = as_floats(pixels)
    assert found.dtype == np.float32
    assert (found[0], found[255]) == (0, 1)
    assert np.array_equal(as_pixels(found), pixels)


def test_what_is_no_pixel_is_cut_off():
    strange: Any = np.array([-0.1, 1.7, np.inf, -np.inf, np.nan, 0.5], np.float32)
    assert as_pixels(strange).tolist() == [0, 255, 255, 0, 0, 128]
