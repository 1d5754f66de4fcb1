"""Takes the shadow from a photographed page: how the ground's shade changes from one side to the other."""

import numpy as np

LEAST_CONTRAST = 0.04  # of full white
FITTED_SIDE, FITS = 128, 6  # pixels that the light's unevenness is fitted on, and how often
EVEN = 0.6  # share of the rim that has one shade where light is even


def rim_of(shape: tuple[int, ...]) -> np.ndarray:
    """Which pixels lie at the edges of the picture, where hardly ever is ink."""
    thickness = max(1, min(shape) // 50)
    rim = np.ones(shape, bool)
    rim[thickness:-thickness, thickness:-thickness] = False
    return rim


def evenly_lit(illumination: np.ndarray, ink_on_background: bool) -> np.ndarray:
    """Without the paper's change of shade: a quadratic surface, fitted to the rim and then to all that is no ink.

    What paper reflects is divided by the surface, a glow on a dark ground is subtracted.

    Args:
        illumination: float32 [h, w] in [0, 1], ink bright.
        ink_on_background: whether it was inverted.

    Returns:
        float32 [h, w] whose ground is near 0, or the picture itself where the light is even already.
    """
    every = max(1, max(illumination.shape) // FITTED_SIDE)
    few = illumination[::every, ::every]
    rim, terms = rim_of(few.shape), _quadratic(few.shape)
    if (np.abs(few[rim] - np.median(few[rim])) < LEAST_CONTRAST).mean() > EVEN:
        return illumination
    weights = _least_absolute(terms[rim], few[rim])  # whatever ink touches the rim
    for _ in range(FITS):
        rest = few - terms @ weights
        background = np.abs(rest) < LEAST_CONTRAST + 3 * float(np.median(np.abs(rest[rim])))
        if background.mean() < 1 - EVEN:  # there is nothing to go by
            return illumination
        weights = np.linalg.lstsq(terms[background], few[background], rcond=None)[0]
    whole = (_quadratic(illumination.shape) @ weights).astype(np.float32)
    if ink_on_background:
        return np.clip(1 - (1 - illumination) / np.maximum(1 - whole, LEAST_CONTRAST), -1, 1)
    return illumination - whole


def _least_absolute(terms: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The weights of terms [n, k] that come nearest to values [n] in the sum of absolute differences."""
    trust = np.ones(len(values), np.float32)
    weights = np.zeros(terms.shape[-1], np.float32)
    for _ in range(20):
        weights = np.linalg.lstsq(terms * trust[:, None], values * trust, rcond=None)[0]
        trust = 1 / np.sqrt(np.maximum(np.abs(values - terms @ weights), 1e-3))
    return weights


def _quadratic(shape: tuple[int, ...]) -> np.ndarray:
    """1, y, x, y², xy and x² at each pixel, [h, w, 6]."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, length, dtype=np.float32) for length in shape), indexing="ij")
    return np.stack([np.ones_like(x), y, x, y * y, x * y, x * x], axis=-1)
