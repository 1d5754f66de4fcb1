"""Figures of a layer's units, against cases whose answer is known."""

import numpy as np
import pytest

from aecore.analysis.units import full_colour, unit_statistics

RNG = np.random.default_rng(0)


def test_equally_busy_units_all_count():
    found = unit_statistics(RNG.permuted(np.tile([[0.0], [1.0]], (500, 8)), axis=0))
    assert found.effective == pytest.approx(8)
    assert found.mean == pytest.approx(np.full(8, 0.5))
    assert found.firing == pytest.approx(np.full(8, 0.5))
    assert not found.silent.any()


def test_silent_units_do_not_count():
    activity = np.zeros((100, 5))
    activity[:, 1] = RNG.random(100)
    activity[:, 4] = 0.7  # always on, so it says nothing either
    found = unit_statistics(activity)
    assert found.silent.tolist() == [True, False, True, True, True]
    assert found.directions == pytest.approx(1)
    assert 1 < found.effective < 2


def test_nothing_at_all_has_no_units():
    found = unit_statistics(np.zeros((10, 3)))
    assert (found.effective, found.directions) == (0.0, 0.0)


@pytest.mark.parametrize("rows", [40, 2000])
def test_directions_are_the_participation_ratio_of_the_eigenvalues(rows: int):
    activity = RNG.normal(size=(rows, 60)) @ RNG.normal(size=(60, 60)) + 3
    values = np.linalg.eigvalsh(np.cov(activity.T))
    assert unit_statistics(activity).directions == pytest.approx(values.sum() ** 2 / np.square(values).sum())


def test_mean_and_strength_differ_where_activity_has_two_signs():
    found = unit_statistics(np.array([[-1.0], [1.0]]))
    assert (found.mean[0], found.strength[0]) == (0.0, 1.0)


def test_full_colour_is_a_percentile_and_never_zero():
    weights = np.r_[np.full(99, 0.5), -100.0]
    assert full_colour(weights, 50) == 0.5
    assert full_colour(weights, 100) == 100
    assert full_colour(np.r_[np.zeros(999), -2.0], 50) == 2.0
    assert full_colour(np.zeros(4)) == 1.0
