"""Ways through a code: along its own spread, between two codes, over a plane, and at random from the prior."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from aecore.analysis.projections import principal, varying

Directions = Literal["components", "units"]
_MARGIN = 0.02  # share of the codes beyond either end of a grid
_PARALLEL = 1e-6


@dataclass(frozen=True, eq=False)
class Spread:
    """How codes vary.

    Attributes:
        mean: float32 [units].
        steps: float32 [k, units], one standard deviation in each direction, the widest first.
        names: of the directions.
        shares: share of the codes' variance in each direction, float64 [k].
    """

    mean: np.ndarray
    steps: np.ndarray
    names: tuple[str, ...]
    shares: np.ndarray

    def code(self, start: np.ndarray, deviations: list[float]) -> np.ndarray:
        """The code [units] so many standard deviations from `start` in each direction."""
        return (start + np.asarray(deviations, np.float32) @ self.steps[: len(deviations)]).astype(np.float32)


def spread(codes: np.ndarray, directions: Directions, most: int) -> Spread:
    """The directions in which codes vary most.

    Args:
        codes: float32 [n, units].
        directions: principal components of the codes, or single units.
        most: how many directions at most.
    """
    mean, variances = codes.mean(axis=0), codes.var(axis=0, dtype=np.float64)
    count = min(most, *codes.shape)
    total = max(float(variances.sum()), 1e-12)
    if directions == "units":
        chosen = varying(codes)[:count]
        steps = np.zeros((count, codes.shape[1]), np.float32)
        steps[np.arange(count), chosen] = np.sqrt(variances[chosen])
        names = tuple(f"unit {unit + 1}" for unit in chosen)
        return Spread(mean, steps, names, variances[chosen] / total)
    scores, shares = principal(codes, count)
    # The direction of a component, one standard deviation long, is the regression of the codes on its score.
    deviations = scores.std(axis=0, dtype=np.float64)
    safe = np.where(deviations > 0, deviations, 1.0)
    steps = ((scores / safe).T @ (codes - mean) / len(codes)).astype(np.float32)
    return Spread(mean, steps, tuple(f"component {k + 1}" for k in range(count)), shares)


def straight(start: np.ndarray, end: np.ndarray, steps: int) -> np.ndarray:
    """Codes evenly spaced on the line from one code [units] to another, ends included: float32 [steps, units]."""
    share = np.linspace(0, 1, steps)[:, None]
    return ((1 - share) * start + share * end).astype(np.float32)


def spherical(start: np.ndarray, end: np.ndarray, steps: int) -> np.ndarray:
    r"""Codes evenly turned from one code [units] to another, ends included: float32 [steps, units].

    Spherical linear interpolation (Shoemake, 1985),
    $\frac{\sin((1 - t)\,\Omega)}{\sin\Omega}\,a + \frac{\sin(t\,\Omega)}{\sin\Omega}\,b$ with the angle $\Omega$
    between $a$ and $b$, applied to codes of any length as White (2016) does. Where the angle is 0 or 180 degrees or
    a code is zero, no turn is defined, and the way is straight.
    """
    lengths = float(np.linalg.norm(start)), float(np.linalg.norm(end))
    if min(lengths) < _PARALLEL:
        return straight(start, end, steps)
    angle = float(np.arccos(np.clip(np.dot(start / lengths[0], end / lengths[1]), -1, 1)))
    if np.sin(angle) < _PARALLEL:
        return straight(start, end, steps)
    share = np.linspace(0, 1, steps)[:, None]
    turned = np.sin((1 - share) * angle) * start + np.sin(share * angle) * end
    return (turned / np.sin(angle)).astype(np.float32)


def quantile_grid(codes: np.ndarray, side: int) -> np.ndarray:
    """Codes float32 [side * side, 2], row by row from the top, even in the quantiles of codes [n, 2] on each axis.

    The outermost ones are their 2nd and 98th hundredth.
    """
    marks = np.quantile(codes, np.linspace(_MARGIN, 1 - _MARGIN, side), axis=0)
    return _grid(marks[:, 0], marks[:, 1])


def prior_grid(side: int) -> np.ndarray:
    """The same, even in the quantiles of a standard normal prior (Kingma and Welling, 2014, figure 4)."""
    marks = np.array([NormalDist().inv_cdf(share) for share in np.linspace(_MARGIN, 1 - _MARGIN, side)])
    return _grid(marks, marks)


def draws(count: int, units: int, seed: int) -> np.ndarray:
    """Codes float32 [count, units] drawn from the standard normal prior; the same for the same seed."""
    return np.random.default_rng(seed).standard_normal((count, units), dtype=np.float32)


def _grid(across: np.ndarray, up: np.ndarray) -> np.ndarray:
    x, y = np.meshgrid(across, up[::-1])
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
