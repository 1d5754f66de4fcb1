"""The denoisers that a trained one has to beat: they help, know how strongly to act, and give images back."""

from collections.abc import Callable

import numpy as np
import pytest

from aecore.analysis.denoisers import COMPONENTS, STRENGTHS, non_local_means, psnr, tuned_non_local_means, tuned_pca

STD = 0.3
SIDE = 16


def noisy(clean: np.ndarray, std: float = STD, seed: int = 0, clip: bool = True) -> np.ndarray:
    found = clean + std * np.random.default_rng(seed).standard_normal(clean.shape, dtype=np.float32)
    return np.clip(found, 0, 1) if clip else found


def low_rank(count: int, seed: int) -> np.ndarray:
    """Images [n, 16, 16, 1] in [0, 1] that are mixtures of five."""
    parts = np.random.default_rng(0).random((5, SIDE * SIDE)) ** 4
    shares = np.random.default_rng(seed).dirichlet(np.full(5, 0.3), count)
    return (shares @ parts).reshape(count, SIDE, SIDE, 1).astype(np.float32)


def patterned(count: int) -> np.ndarray:
    """Images [n, 28, 28, 1] of stripes, each with a period and a brightness of its own."""
    x = np.arange(28)
    rows = [0.2 + (0.5 + 0.02 * k) * (x // (2 + k % 3) % 2) for k in range(count)]
    return np.stack([np.tile(row, (28, 1)) for row in rows])[..., None].astype(np.float32)


@pytest.fixture(scope="module")
def pca() -> Callable[[np.ndarray], np.ndarray]:
    clean = low_rank(300, seed=1)
    return tuned_pca(clean, noisy(clean, seed=2))


@pytest.fixture(scope="module")
def nlm() -> Callable[[np.ndarray], np.ndarray]:
    clean = patterned(8)
    return tuned_non_local_means(clean, noisy(clean, seed=2))


# Peak signal-to-noise ratio


@pytest.mark.parametrize("error", [0.1, 0.01])
def test_psnr_of_a_known_error(error: float):
    clean = np.full((3, 4, 4, 1), 0.5, np.float32)
    assert psnr(clean, clean + np.float32(error)) == pytest.approx(-20 * np.log10(error), abs=0.01)


# Principal components


def test_principal_components_remove_noise_from_images_that_were_not_seen(pca: Callable):
    clean = low_rank(50, seed=3)
    shown = noisy(clean, seed=4)
    assert psnr(clean, pca(shown)) > psnr(clean, shown) + 5


def test_as_many_components_are_kept_as_the_images_have():
    """Five parts vary in four directions around their mean: more than the least choice would let the noise through."""
    clean = 0.3 + 0.4 * low_rank(300, seed=1)  # far from black and white, so that nothing is cut off
    denoise = tuned_pca(clean, noisy(clean, 0.1, seed=2, clip=False))
    found = denoise(noisy(0.3 + 0.4 * low_rank(50, seed=3), 0.1, seed=4, clip=False)).reshape(50, -1)
    assert np.linalg.matrix_rank(found - found.mean(axis=0), tol=1e-3) == min(COMPONENTS)


def test_without_noise_hardly_anything_is_lost():
    """Where nothing has to be removed, the most components are the best."""
    clean = np.random.default_rng(0).random((300, SIDE, SIDE, 1), dtype=np.float32)
    few = low_rank(300, seed=1)
    assert psnr(few, tuned_pca(few, few)(few)) > 50
    rich = tuned_pca(clean, clean)(clean).reshape(300, -1)
    assert np.linalg.matrix_rank(rich - rich.mean(axis=0), tol=0.05) > 100


def test_a_shift_of_all_pixels_is_undone():
    clean = 0.7 * low_rank(300, seed=1)
    denoise = tuned_pca(clean, clean + np.float32(0.2))
    fresh = 0.7 * low_rank(20, seed=5)
    assert psnr(fresh, denoise(fresh + np.float32(0.2))) > 40


# Non-local means


def test_non_local_means_averages_the_noise_away_where_a_pattern_repeats():
    clean = patterned(3)
    shown = noisy(clean, 0.1, clip=False)
    found = non_local_means(shown, 0.1, 0.6)
    assert found.shape == shown.shape
    assert found.dtype == np.float32
    for k in range(3):
        assert psnr(clean[k : k + 1], found[k : k + 1]) > psnr(clean[k : k + 1], shown[k : k + 1]) + 3


def test_a_stronger_one_smooths_more():
    shown = noisy(np.full((1, 28, 28, 1), 0.5, np.float32), 0.1, clip=False)
    left = [float(non_local_means(shown, 0.1, strength).std()) for strength in (0.1, 0.4, 1.0)]
    assert float(shown.std()) > left[0] > left[1] > left[2]


@pytest.mark.parametrize(
    ("std", "clip", "better"), [(0.1, False, 0), (0.5, True, 3)], ids=["every brightness alike", "black and white"]
)
def test_tuned_non_local_means_do_at_least_as_well_as_any_strength(std: float, clip: bool, better: float):
    """Clipping makes black lighter and white darker, which no averaging undoes: contrast has to be given back."""
    clean = np.round(patterned(8)) if clip else patterned(8)
    shown = noisy(clean, std, clip=clip)
    left = float((shown - clean).std())  # clipping takes away some of the noise
    best = max(psnr(clean, np.clip(non_local_means(shown, left, strength), 0, 1)) for strength in STRENGTHS)
    assert psnr(clean, tuned_non_local_means(clean, shown)(shown)) > best + better - 0.1


def test_tuned_non_local_means_remove_noise_from_images_that_were_not_seen(nlm: Callable):
    clean = patterned(8)
    shown = noisy(clean, seed=3)
    assert psnr(clean, nlm(shown)) > psnr(clean, shown) + 3


@pytest.mark.parametrize("std", [0.0, 0.05, 0.8])
def test_tuned_non_local_means_are_not_worse_than_doing_nothing(std: float):
    clean = patterned(6)
    shown = noisy(clean, std)
    assert psnr(clean, tuned_non_local_means(clean, shown)(shown)) >= psnr(clean, shown)


def test_the_strength_is_chosen_on_the_images_given(nlm: Callable):
    """What was tuned to one kind of noise is not the best for another kind."""
    clean = patterned(8)
    shown = noisy(clean, 0.02, seed=5)
    assert psnr(clean, tuned_non_local_means(clean, shown)(shown)) > psnr(clean, nlm(shown)) + 1


# Both


@pytest.mark.parametrize("name", ["pca", "nlm"])
def test_images_come_back_as_images(name: str, request: pytest.FixtureRequest):
    denoise = request.getfixturevalue(name)
    side = SIDE if name == "pca" else 28
    strange = np.random.default_rng(0).normal(0.5, 3, (3, side, side, 1)).astype(np.float32)
    before = strange.copy()
    found = denoise(strange)
    assert found.shape == strange.shape
    assert found.min() >= 0
    assert found.max() <= 1
    assert found.std() > 0.05
    assert np.array_equal(strange, before)
