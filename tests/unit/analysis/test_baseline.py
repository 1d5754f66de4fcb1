"""The linear baseline where components carry nothing: black pixels, codes as large as the image, no signal at all."""

from pathlib import Path

import numpy as np
import pytest

from aecore.analysis.baseline import LinearBaseline
from aecore.datasets import corrupt, load
from aecore.schema.dense import Vanilla
from aecore.settings import Settings

MASKING = {"noise": "masking", "noise_fraction": 0.3}
SALT = {"noise": "salt_and_pepper", "noise_fraction": 0.3}
SHIFT = {"noise": "gaussian", "noise_std": 0.0, "noise_mean": 0.1, "clip": False}


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Training and held-out images, some of whose pixels are black in every one of them."""
    images = load("digits", Settings(home=Path("unused")))
    train, test = (part.astype(np.float32) / 255 for part in (images.x_train, images.x_test))
    assert (train.reshape(len(train), -1).max(axis=0) == 0).any()
    return train, test


def error(baseline: LinearBaseline, shown: np.ndarray, clean: np.ndarray) -> float:
    return float(np.square(baseline.decode(baseline.encode(shown)) - clean.reshape(len(clean), -1)).mean())


@pytest.mark.parametrize(
    ("noise", "code_size"),
    [(MASKING, 32), (MASKING, 1000), (SALT, 1000), (SHIFT, 1000)],
    ids=["masking", "masking, overcomplete", "salt and pepper, overcomplete", "shift, overcomplete"],
)
def test_it_is_better_than_the_mean_image(noise: dict, code_size: int, digits: tuple[np.ndarray, np.ndarray]):
    clean, held_out = digits
    hyper = Vanilla.make(values=noise)
    baseline = LinearBaseline.fit(clean, corrupt(clean, hyper, 1), code_size)
    mean_image = np.square(held_out - clean.mean(axis=0)).mean()
    assert error(baseline, corrupt(held_out, hyper, 2), held_out) < 0.8 * mean_image


@pytest.mark.parametrize("grey", [0.0, 1.0])
def test_of_images_without_any_signal_the_mean_image_is_left(grey: float, digits: tuple[np.ndarray, np.ndarray]):
    clean, held_out = digits
    baseline = LinearBaseline.fit(clean, np.full_like(clean, grey), 8)
    mean_image = np.square(held_out - clean.mean(axis=0)).mean()
    assert error(baseline, np.full_like(held_out, grey), held_out) == pytest.approx(mean_image, rel=1e-3)
