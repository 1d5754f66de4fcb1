"""A run's snapshots as a film: codes on common axes, aligned from one to the next, and one scale for all weights."""

import threading
from dataclasses import dataclass, field

import numpy as np
from cachetools import LRUCache
from scipy.linalg import orthogonal_procrustes
from threadpoolctl import threadpool_limits

from aecore.analysis.projections import principal_directions
from aecore.analysis.units import full_colour
from aecore.runs.runs import Runs

POINTS = 500  # of each snapshot's codes
FILMS = 4  # kept in memory
COLOURED = ("tiles", "maps")
FAR = 1e6  # codes beyond are cut off: those of a run that diverged


@dataclass(frozen=True)
class Film:
    """A run's snapshots, for drawing one after the other.

    Attributes:
        positions: when each was taken, in epochs.
        labels: [n] classes of the coded held-out images.
        indices: [n] their positions among those held out.
        units: how many numbers the stored codes have.
        as_they_are: float32 [frames, n, 2], codes in the plane.
        aligned: the same, each frame turned, mirrored and moved onto the one before.
        limits: of "tiles" and, where there are any, "maps" the value in full colour: the largest over the frames of
            the 99.5th percentile of the absolute values.
    """

    positions: tuple[float, ...]
    labels: np.ndarray
    indices: np.ndarray
    units: int
    as_they_are: np.ndarray
    aligned: np.ndarray
    limits: dict[str, float]

    def nearest(self, position: float) -> int:
        """The frame taken nearest to a position."""
        return int(np.argmin(np.abs(np.asarray(self.positions) - position)))


@dataclass
class _Reel:
    """What was read of a run so far; positions, codes and turned codes have an entry for each frame."""

    positions: list[float] = field(default_factory=list)
    codes: list[np.ndarray] = field(default_factory=list)
    turned: list[np.ndarray] = field(default_factory=list)
    limits: list[dict[str, float]] = field(default_factory=list)
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint8))
    indices: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))


class Replay:
    """Reads the snapshots of runs; what was read once is kept, so that a live run costs its new snapshots only.

    Args:
        runs: have the snapshots.
    """

    def __init__(self, runs: Runs):
        self._runs = runs
        self._reels: LRUCache[tuple[str, int], _Reel] = LRUCache(FILMS)
        self._lock = threading.Lock()

    def film(self, name: str) -> Film | None:
        """The snapshots of a run of images; None while there is none.

        Codes of more than two units are drawn in the plane of the last frame's first two principal components, the
        same for all frames. For the aligned ones each frame's codes are centred and turned onto the frame before,
        itself turned, by the orthogonal matrix that brings them nearest in least squares (orthogonal Procrustes,
        Schönemann, 1966), in all units; then all frames are turned together so that the last is as it is.

        Raises:
            BadInput: there is no such run.
            StorageError: a snapshot cannot be read.
        """
        run = self._runs.run(name)
        with self._lock:
            reel = self._reels.setdefault((name, run.attempt), _Reel())
            with threadpool_limits(1):  # small matrices: threads that wait for each other cost far more than they save
                self._wind(name, reel)
                return _film(reel) if reel.positions else None

    def _wind(self, name: str, reel: _Reel) -> None:
        """Brings a reel up to date; a store that holds many snapshots gives some up while new ones come."""
        wanted = self._runs.snapshot_positions(name)
        same = 0
        while same < min(len(wanted), len(reel.positions)) and wanted[same] == reel.positions[same]:
            same += 1
        read = dict(zip(reel.positions, zip(reel.codes, reel.limits, strict=True), strict=True))
        del reel.positions[same:], reel.codes[same:], reel.limits[same:], reel.turned[same:]
        for position in wanted[same:]:
            if position not in read:
                view = self._runs.snapshot(name, position)
                if view is None or view.position != position:  # given up since the list was made
                    continue
                arrays = view.arrays
                reel.labels, reel.indices = arrays["labels"][:POINTS], arrays["indices"][:POINTS]
                limits = {name: full_colour(arrays[name]) for name in COLOURED if name in arrays}
                read[position] = _finite(arrays["codes"][:POINTS]), limits
            codes, limits = read[position]
            before = reel.turned[-1] if reel.turned else None
            reel.positions.append(position)
            reel.codes.append(codes)
            reel.limits.append(limits)
            reel.turned.append(turned_onto(before, codes))


def turned_onto(before: np.ndarray | None, codes: np.ndarray) -> np.ndarray:
    """Codes [n, units], centred, and turned or mirrored as near as can be to the frame before [n, units]."""
    centred = codes - codes.mean(axis=0)
    if before is None:
        return centred
    return centred @ orthogonal_procrustes(centred, before)[0]


def _film(reel: _Reel) -> Film:
    last, end = reel.codes[-1], reel.turned[-1]
    middle = last.mean(axis=0)
    back = orthogonal_procrustes(end, last - middle)[0]
    if last.shape[1] > 2:
        basis = principal_directions(last - middle, 2)
        as_they_are = [(codes - middle) @ basis for codes in reel.codes]
        aligned = [turned @ (back @ basis) for turned in reel.turned]
    else:
        as_they_are, aligned = reel.codes, [turned @ back + middle for turned in reel.turned]
        if last.shape[1] == 1:  # the other axis shows the class
            heights = reel.labels.astype(np.float64)
            as_they_are, aligned = (
                [np.column_stack([codes[:, 0], heights]) for codes in frames] for frames in (as_they_are, aligned)
            )
    return Film(
        tuple(reel.positions), reel.labels, reel.indices, last.shape[1], np.asarray(as_they_are, np.float32),
        np.asarray(aligned, np.float32), {name: max(frame[name] for frame in reel.limits) for name in reel.limits[-1]},
    )  # fmt: skip


def _finite(codes: np.ndarray) -> np.ndarray:
    return np.clip(np.nan_to_num(codes.astype(np.float64)), -FAR, FAR)
