"""Metrics against values worked out by hand, and the linear baseline against scikit-learn's PCA."""

import math

import numpy as np
import pytest
from sklearn.decomposition import PCA

from aecore.analysis.baseline import LinearBaseline
from aecore.analysis.codes import activity, code_trustworthiness, knn_accuracy, neighbour_metrics, probe_accuracy
from aecore.analysis.images import reconstruction_metrics


def lines(count: int, pixels: int = 16, rank: int = 3) -> np.ndarray:
    """Images in [0, 1] that lie near a `rank`-dimensional sheet, float32 [count, 4, 4, 1]."""
    rng = np.random.default_rng(1)
    sheet = rng.normal(size=(rank, pixels)) * (0.08 / np.arange(1, rank + 1))[:, None]
    images = 0.5 + rng.normal(size=(count, rank)) @ sheet + rng.normal(0, 0.01, (count, pixels))
    return np.clip(images, 0, 1).astype(np.float32).reshape(-1, 4, 4, 1)


# Images


def test_reconstruction_metrics_by_hand():
    clean = np.array([[0, 1, 1, 0], [0, 0, 0, 1]], np.float32).reshape(2, 2, 2, 1)
    output = np.array([[0.1, 0.9, 0.9, 0.1], [0.5, 0.5, 0.5, 0.5]], np.float32).reshape(2, 2, 2, 1)
    found = reconstruction_metrics(clean, output)
    assert found["mse"] == pytest.approx((0.01 + 0.25) / 2)
    assert found["sse_per_image"] == pytest.approx((0.04 + 1) / 2)
    assert found["psnr"] == pytest.approx((20 + 10 * math.log10(4)) / 2, rel=1e-5), "mean over images, not of the mse"
    assert found["bce"] == pytest.approx((-math.log(0.9) - math.log(0.5)) / 2, rel=1e-5)


def test_values_outside_the_range_are_measured_as_they_are():
    clean, output = np.zeros((1, 2, 2, 1), np.float32), np.full((1, 2, 2, 1), 2, np.float32)
    found = reconstruction_metrics(clean, output)
    assert found["mse"] == 4
    assert found["psnr"] == pytest.approx(-10 * math.log10(4))
    assert found["bce"] == pytest.approx(-math.log(1e-7), rel=0.02)


def test_a_perfect_reconstruction_has_finite_figures():
    images = lines(5)
    found = reconstruction_metrics(images, images)
    assert found["mse"] == found["sse_per_image"] == 0
    assert all(math.isfinite(value) for value in found.values())


# The baseline


def test_on_clean_images_it_is_pca_and_its_inverse():
    train, test = lines(80)[:60], lines(80)[60:]
    baseline = LinearBaseline.fit(train, None, 3)
    pca = PCA(3, svd_solver="full").fit(train.reshape(60, -1))
    expected = pca.inverse_transform(pca.transform(test.reshape(20, -1)))
    codes = baseline.encode(test)
    assert codes.shape == (20, 3)
    assert codes.dtype == baseline.decode(codes).dtype == np.float32
    assert np.allclose(baseline.decode(codes), expected, atol=1e-5)


def test_on_noisy_images_it_beats_projecting():
    clean = lines(900)
    noisy = clean + np.random.default_rng(2).normal(0.5, 0.2, clean.shape).astype(np.float32)
    baseline = LinearBaseline.fit(clean[:600], noisy[:600], 3)
    target = clean[600:].reshape(300, -1)
    error = np.square(baseline.decode(baseline.encode(noisy[600:])) - target).mean()
    for shown in (clean, noisy):
        pca = PCA(3).fit(shown[:600].reshape(600, -1))
        projected = pca.inverse_transform(pca.transform(noisy[600:].reshape(300, -1)))
        assert error < 0.5 * np.square(projected - target).mean()
    assert error < np.square(target - clean[:600].reshape(600, -1).mean(0)).mean(), "no better than the mean image"


@pytest.mark.parametrize("noisy", [False, True])
def test_a_code_larger_than_the_image_loses_nothing(noisy: bool):
    images = lines(60)
    baseline = LinearBaseline.fit(images, 1 - images if noisy else None, 1000)
    codes = baseline.encode(1 - images if noisy else images)
    assert codes.shape == (60, 16)
    assert np.allclose(baseline.decode(codes), images.reshape(60, -1), atol=1e-3)


def test_a_code_larger_than_the_number_of_images():
    images = lines(10)
    assert LinearBaseline.fit(images, None, 12).encode(images).shape == (10, 10)


# Codes


def test_activity_by_hand():
    codes = np.array([[0, 2, -1, 0.0004], [0, 2, 1, 0], [0, 2, 0, 0]], np.float32)
    found = activity(codes)
    assert found["mean_activation"] == pytest.approx((6 + 2 + 0.0004) / 12)
    assert found["active_share"] == pytest.approx(5 / 12)
    assert found["dead_units"] == 3, "a unit that is always silent, always the same, or never leaves 0.001 is dead"
    assert isinstance(found["dead_units"], int), "a number that JSON knows"


def test_five_neighbours_vote():
    train = np.array([[0], [1], [2], [3], [4], [20], [21], [22], [23], [24]], np.float32)
    labels = np.array([0, 0, 0, 1, 1, 1, 1, 1, 0, 0], np.uint8)
    test = np.array([[2], [22], [3]], np.float32)
    assert knn_accuracy(train, labels, test, np.array([0, 1, 1], np.uint8)) == pytest.approx(2 / 3)


def test_codes_that_tell_the_classes_apart_and_codes_that_do_not():
    rng = np.random.default_rng(0)
    labels = np.arange(200, dtype=np.uint8) % 4
    good = np.eye(4, dtype=np.float32)[labels] * 1000 + rng.normal(0, 1, (200, 4)).astype(np.float32)
    bad = rng.normal(0, 1, (200, 4)).astype(np.float32)
    assert probe_accuracy(good[:100], labels[:100], good[100:], labels[100:]) == 1
    assert probe_accuracy(bad[:100], labels[:100], bad[100:], labels[100:]) < 0.6


def test_neighbourhoods_are_kept_or_lost():
    images = np.random.default_rng(0).random((60, 4, 4, 1))
    flat = images.reshape(60, -1)
    assert code_trustworthiness(images, flat * 3 + 1) == 1
    assert code_trustworthiness(images, np.random.default_rng(1).permutation(flat)) < 0.7


def test_dead_codes_are_measured_without_complaint():
    """A collapsed model has constant codes; its scorecard must still be filled."""
    labels = np.arange(40, dtype=np.uint8) % 4
    codes = np.zeros((40, 3), np.float32)
    found = neighbour_metrics(codes[:20], labels[:20], codes[20:], labels[20:], lines(20))
    assert all(math.isfinite(value) for value in found.values())
