"""What the page Latent space computes once and keeps: codes by run and weights, pictures of them, metrics."""

from typing import NamedTuple

import numpy as np
import streamlit as st

from aecore.analysis import interpolation, projections
from aecore.analysis.interpolation import Directions, Spread
from aecore.analysis.neighbours import SpaceMetrics
from aecore.explore.latent import Points
from aecore.service import Service
from aecore.store.views import RunView
from pages.components.scatter.component import digest, thumbnail_sheet

PRINCIPAL, EMBEDDING, UNITS = "principal components", "t-SNE", "units"
WORKER = "Asking the worker (the first time it starts, which takes about ten seconds)…"


class Sample(NamedTuple):
    """Which points of which weights: what cached results are found by.

    Attributes:
        run: its name.
        weights: changes with them.
        here: whether the dataset is on this machine.
        size: how many points.
        seed: of the random choice.
    """

    run: str
    weights: str
    here: bool
    size: int
    seed: int


def weights_of(run: RunView) -> str:
    """Names the weights that are looked at; those of an active run stay the same until the visitor asks for newer."""
    if not run.active:
        return run.weights_version
    return st.session_state.setdefault(f"latent_weights_{run.id}", run.weights_version)


def take_newest(run: RunView) -> None:
    """Looks at the weights of an active run as they are now."""
    st.session_state.pop(f"latent_weights_{run.id}", None)


@st.cache_resource(max_entries=8, show_spinner=WORKER)
def points(_service: Service, sample: Sample) -> Points:
    """Held-out images and their codes; see `aecore.explore.latent.Latent.points`."""
    return _service.latent.points(sample.run, sample.size, sample.seed)


@st.cache_resource(max_entries=8, show_spinner="Fitting PCA on the training images…")
def linear(_service: Service, sample: Sample, _points: Points) -> np.ndarray:
    """Principal components of the same images; see `aecore.explore.latent.Latent.linear`."""
    return _service.latent.linear(sample.run, _points.positions)


@st.cache_resource(max_entries=8, show_spinner=WORKER)
def images(_service: Service, sample: Sample, _points: Points) -> np.ndarray:
    """The images uint8 [n, h, w], or where they are not here what the model draws at their codes."""
    if _points.images is not None:
        return _points.images
    return _service.latent.decode(sample.run, _points.codes)


@st.cache_resource(max_entries=8, show_spinner=False)
def sheet(sample: Sample, _images: np.ndarray) -> bytes:
    """The images on one sheet for the browser, which knows it as `sheet_name`."""
    return thumbnail_sheet(sheet_name(sample), _images)


def sheet_name(sample: Sample) -> str:
    """Names the sheet of some points, also before it is made."""
    return digest(repr(tuple(sample)).encode())


@st.cache_data(max_entries=64, show_spinner="Computing t-SNE, which can take a minute…")
def _embedded(_service: Service, space: str, sample: Sample, dims: int, _codes: np.ndarray) -> np.ndarray:
    return projections.neighbour_embedding(_codes, dims)


@st.cache_data(max_entries=64, show_spinner=False)
def _principal(
    _service: Service, space: str, sample: Sample, dims: int, _codes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    return projections.principal(_codes, dims)


def picture(
    service: Service, space: str, sample: Sample, codes: np.ndarray, view: str, dims: int, units: list[int]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Codes in so many dimensions.

    Args:
        service: the back end.
        space: "code" or "pca".
        sample: which points.
        codes: float32 [n, units].
        view: `PRINCIPAL`, `EMBEDDING` or `UNITS`.
        dims: 2 or 3.
        units: which are shown by `UNITS`, from 0.

    Returns:
        float32 [n, 2 or 3] and what the dimensions are. A code of fewer units is filled up with zeros.
    """
    if view == EMBEDDING:
        return _embedded(service, space, sample, dims, codes), tuple(f"t-SNE {k + 1}" for k in range(dims))
    if view == UNITS or codes.shape[1] <= dims:
        chosen = units[:dims] if view == UNITS and len(units) >= dims else list(range(codes.shape[1]))[:dims]
        name = "component" if space == "pca" else "code unit"
        return _filled(codes[:, chosen], dims), _named([f"{name} {unit + 1}" for unit in chosen], dims)
    if space == "pca":  # they are principal components already, and those of the images
        return codes[:, :dims], tuple(f"component {k + 1}" for k in range(dims))
    found, shares = _principal(service, space, sample, dims, codes)
    return _filled(found, dims), _named([f"component {k + 1} ({share:.0%})" for k, share in enumerate(shares)], dims)


@st.cache_data(max_entries=64, show_spinner="Measuring neighbourhoods…")
def metrics(_service: Service, space: str, sample: Sample, _codes: np.ndarray, _points: Points) -> SpaceMetrics:
    """Figures of a panel; see `aecore.explore.latent.Latent.metrics`."""
    return _service.latent.metrics(sample.run, _codes, _points, pca=space == "pca")


@st.cache_data(max_entries=256, show_spinner=WORKER)
def decoded(_service: Service, run: str, weights: str, codes: np.ndarray) -> np.ndarray:
    """What the model draws at codes: uint8 [n, h, w]."""
    return _service.latent.decode(run, codes)


@st.cache_data(max_entries=32, show_spinner=False)
def spread(_service: Service, sample: Sample, directions: Directions, most: int, _codes: np.ndarray) -> Spread:
    """How codes vary; see `aecore.analysis.interpolation.spread`."""
    return interpolation.spread(_codes, directions, most)


def _filled(codes: np.ndarray, dims: int) -> np.ndarray:
    return np.pad(codes, ((0, 0), (0, dims - codes.shape[1])))


def _named(names: list[str], dims: int) -> tuple[str, ...]:
    return tuple(names + ["nothing"] * (dims - len(names)))
