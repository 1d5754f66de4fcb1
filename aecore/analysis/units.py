"""How the units of a layer share the work: mean activation, units that never fire, how many count."""

from dataclasses import dataclass

import numpy as np

from aecore.analysis.codes import SILENT_RANGE

FULL_COLOUR = 99.5  # percentile of the absolute weights


@dataclass(frozen=True)
class UnitStatistics:
    """Figures of a layer's units.

    Attributes:
        mean: ρ̂, mean activation of each unit, float64 [units] (Ng, 2011).
        strength: mean absolute activation of each unit, float64 [units]; the same as `mean` where none is below zero.
        firing: share of the images for which each unit is beyond 0.001, float64 [units].
        silent: whether each unit is the same for every image, within 0.001, bool [units].
        effective: effective number of units, exp(-Σ p ln p) with p each unit's share of the total strength: the
            number of equally strong units that would be as diverse (Hill, 1973). 0 where no unit fires.
        directions: participation ratio (Σλ)² / Σλ² of the eigenvalues of the activations' covariance: in how many
            directions they vary (Gao et al., 2017). 0 where nothing varies.
    """

    mean: np.ndarray
    strength: np.ndarray
    firing: np.ndarray
    silent: np.ndarray
    effective: float
    directions: float


def unit_statistics(activity: np.ndarray) -> UnitStatistics:
    """Figures of activations [n, units]."""
    activity = activity.astype(np.float64)
    size = np.abs(activity)
    strength = size.mean(axis=0)
    return UnitStatistics(
        activity.mean(axis=0), strength, (size > SILENT_RANGE).mean(axis=0),
        np.ptp(activity, axis=0) <= SILENT_RANGE, _effective(strength), _participation(activity),
    )  # fmt: skip


def _effective(strength: np.ndarray) -> float:
    total = strength.sum()
    if total == 0:
        return 0.0
    shares = strength[strength > 0] / total
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _participation(activity: np.ndarray) -> float:
    """(Σλ)² / Σλ² is the squared trace over the squared Frobenius norm, so no eigenvalues are needed."""
    centred = activity - activity.mean(axis=0)
    rows, units = centred.shape
    gram = centred.T @ centred if units <= rows else centred @ centred.T
    square = np.square(gram).sum()
    return float(np.trace(gram) ** 2 / square) if square > 0 else 0.0


def full_colour(weights: np.ndarray, percentile: float = FULL_COLOUR) -> float:
    """The absolute weight at the end of a colour scale: a percentile of them, the largest, or 1 where all are zero."""
    size = np.abs(np.nan_to_num(weights.astype(np.float32)))
    return float(np.percentile(size, percentile)) or float(size.max()) or 1.0
