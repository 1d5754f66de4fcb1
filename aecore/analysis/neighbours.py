"""Neighbours among codes and among images: the nearest ones, and figures of how well they go together."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors

from aecore.analysis.codes import TRUST_IMAGES, code_trustworthiness

NEIGHBOURS = 5


@dataclass(frozen=True)
class SpaceMetrics:
    """How well a space keeps classes and neighbours together; None where it cannot be said.

    Attributes:
        knn5_accuracy: share of the points whose class their five nearest vote for, from 0 to 1.
        trustworthiness: how far neighbours here are neighbours among the images, from 0 to 1.
        silhouette: how much nearer points are to their own class than to the next one, from -1 to 1.
        count: of how many points the silhouette was taken.
        from_scorecard: names of the figures above that are the scorecard's, on all held-out images.
    """

    knn5_accuracy: float | None
    trustworthiness: float | None
    silhouette: float | None
    count: int
    from_scorecard: tuple[str, ...] = ()


def own_knn_accuracy(codes: np.ndarray, labels: np.ndarray) -> float | None:
    """Share of the points whose five nearest other points vote for their class (leave one out).

    Args:
        codes: [n, units].
        labels: [n].
    """
    if len(codes) <= NEIGHBOURS:
        return None
    neighbours = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(codes).kneighbors(return_distance=False)
    votes = np.eye(int(labels.max()) + 1, dtype=np.int64)[labels[neighbours]].sum(axis=1)
    return float((votes.argmax(axis=1) == labels).mean())  # of classes with as many votes the first, as the scorecard


def silhouette(codes: np.ndarray, labels: np.ndarray) -> float | None:
    """Mean silhouette of the classes (Rousseeuw, 1987) by Euclidean distance; None for fewer than two classes."""
    classes = len(np.unique(labels))
    if not 2 <= classes < len(labels):
        return None
    return float(silhouette_score(codes, labels))


def space_metrics(codes: np.ndarray, labels: np.ndarray, images: np.ndarray | None) -> SpaceMetrics:
    """Figures of the first 2,000 points at most.

    Args:
        codes: [n, units].
        labels: [n].
        images: [n, h, w] that the codes belong to, or None where they are not here.
    """
    codes, labels = codes[:TRUST_IMAGES], labels[:TRUST_IMAGES]
    trust = None
    if images is not None and len(codes) > 3:
        trust = code_trustworthiness(images[:TRUST_IMAGES].astype(np.float32) / 255, codes)
    return SpaceMetrics(own_knn_accuracy(codes, labels), trust, silhouette(codes, labels), len(codes))


def nearest(points: np.ndarray, row: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The points nearest to one of them.

    Args:
        points: [n, ...].
        row: which one.
        count: how many; fewer come back where there are fewer.

    Returns:
        Rows int64 [count], the nearest first, and their Euclidean distances float64 [count].
    """
    flat = points.reshape(len(points), -1)
    flat = flat.astype(np.float32, copy=False)
    distances = np.square(flat - flat[row]).sum(axis=1, dtype=np.float64)
    distances[row] = np.inf
    order = np.argsort(distances, kind="stable")[: min(count, len(points) - 1)]
    return order, np.sqrt(distances[order])
