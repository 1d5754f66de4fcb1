"""A run's snapshots on common axes: what alignment undoes, what it leaves, and that a live run costs its news only."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from scipy.stats import ortho_group

from aecore.explore.replay import POINTS, Film, Replay
from aecore.runs.runs import Runs
from aecore.store.views import SnapshotView

RNG = np.random.default_rng(0)
LABELS = (np.arange(POINTS) % 10).astype(np.uint8)


class Snapshots:
    """As much of a service as a replay reads."""

    def __init__(self, codes: list[np.ndarray]):
        self.codes, self.attempt, self.reads = dict(enumerate(codes)), 1, 0
        self.tiles = 1.0

    def run(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(id=name, attempt=self.attempt)

    def snapshot_positions(self, name: str) -> list[float]:
        return [float(k) for k in self.codes]

    def snapshot(self, name: str, position: float) -> SnapshotView:
        self.reads += 1
        tiles = np.full((3, 2, 2), self.tiles * (position + 1), np.float16)
        indices = np.arange(POINTS, dtype=np.int32)
        arrays = {"codes": self.codes[int(position)], "labels": LABELS, "indices": indices, "tiles": tiles}
        return SnapshotView(position, arrays)


def film_of(source: Snapshots, replay: Replay | None = None) -> Film:
    film = (replay or Replay(cast(Runs, cast(Any, source)))).film("it")
    assert film is not None
    return film


def turned(cloud: np.ndarray, frames: int) -> list[np.ndarray]:
    """The same cloud in ever other positions."""
    units = cloud.shape[1]
    turns = [ortho_group.rvs(units, random_state=k) if units > 1 else np.array([[(-1.0) ** k]]) for k in range(frames)]
    return [cloud @ turn + 5 * k for k, turn in enumerate(turns)]


@pytest.mark.parametrize("units", [1, 2, 7])
def test_a_cloud_that_only_turns_stands_still_once_aligned(units: int):
    film = film_of(Snapshots(turned(RNG.normal(size=(POINTS, units)) * np.arange(1, units + 1), 5)))
    assert film.aligned.shape == film.as_they_are.shape == (5, POINTS, 2)
    assert np.abs(np.diff(film.aligned, axis=0)).max() < 1e-4
    assert np.abs(np.diff(film.as_they_are, axis=0)).max() > 1
    np.testing.assert_allclose(film.aligned[-1], film.as_they_are[-1], atol=1e-4)


def test_what_is_learnt_remains():
    cloud = RNG.normal(size=(POINTS, 3)) * (3, 2, 1)
    film = film_of(Snapshots([k * frame for k, frame in enumerate(turned(cloud, 4), start=1)]))
    sizes = film.aligned.std(axis=(1, 2))
    np.testing.assert_allclose(sizes / sizes[0], [1, 2, 3, 4], rtol=0.01)


def test_two_units_are_drawn_as_they_are_and_many_in_their_last_plane():
    frames = turned(RNG.normal(size=(POINTS, 2)), 3)
    np.testing.assert_allclose(film_of(Snapshots(frames)).as_they_are, np.asarray(frames), atol=1e-5)
    wide = [RNG.normal(size=(POINTS, 9)) * np.r_[9, 5, np.ones(7)] for _ in range(2)]
    last = film_of(Snapshots(wide)).as_they_are[-1]
    assert last.std(axis=0) == pytest.approx([9, 5], rel=0.15)


def test_new_snapshots_are_read_once_and_give_the_film_of_one_reading():
    source = Snapshots([RNG.normal(size=(POINTS, 4)) for _ in range(3)])
    replay = Replay(cast(Runs, cast(Any, source)))
    film_of(source, replay)
    source.codes[3] = RNG.normal(size=(POINTS, 4))
    film = film_of(source, replay)
    assert source.reads == 4
    del source.codes[1]  # the store gave one up
    thinned = film_of(source, replay)
    assert source.reads == 4
    assert thinned.positions == (0.0, 2.0, 3.0)
    for got, wanted in ((thinned, film_of(source)),):
        np.testing.assert_allclose(got.aligned, wanted.aligned, atol=1e-5)
        np.testing.assert_allclose(got.as_they_are, wanted.as_they_are, atol=1e-5)
    assert film.positions == (0.0, 1.0, 2.0, 3.0)


def test_another_attempt_is_read_anew():
    source = Snapshots([RNG.normal(size=(POINTS, 2)) for _ in range(2)])
    replay = Replay(cast(Runs, cast(Any, source)))
    film_of(source, replay)
    source.attempt, source.codes[1] = 2, np.ones((POINTS, 2))
    assert (film_of(source, replay).as_they_are[1] == 1).all()


def test_one_scale_for_all_frames_and_the_nearest_moment():
    film = film_of(Snapshots([RNG.normal(size=(POINTS, 2)) for _ in range(3)]))
    assert film.limits == {"tiles": 3.0}
    assert [film.nearest(position) for position in (-5, 0.4, 0.6, 99)] == [0, 0, 1, 2]


def test_a_run_without_snapshots_has_no_film_and_codes_that_are_no_numbers_are_cut_off():
    assert Replay(cast(Runs, cast(Any, Snapshots([])))).film("it") is None
    broken = RNG.normal(size=(POINTS, 4))
    broken[0] = np.nan
    broken[1] = np.inf
    assert np.isfinite(film_of(Snapshots([broken, broken])).aligned).all()
