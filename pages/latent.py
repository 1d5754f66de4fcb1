"""Latent space: held-out images in PCA and in a run's code side by side, and walks through the code."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from aecore.analysis import neighbours, projections
from aecore.errors import BadInput
from aecore.explore.latent import Points
from aecore.service import Service
from aecore.store.views import RunView
from pages.components.latent import data as data
from pages.components.latent.data import EMBEDDING, PRINCIPAL, UNITS, Sample
from pages.components.latent.figures import scatter_figure
from pages.components.latent.neighbours import about_metrics, metrics_beside, picked_point
from pages.components.latent.walk import walk
from pages.components.scatter.component import THUMBNAILS, Panel, scatter, send_sheet
from pages.components.shared import query_parameters
from pages.components.shared.export import downloads
from pages.components.shared.formatting import number
from pages.components.shared.runs import choose_run, explorable, run_label
from pages.components.shared.session import get_service, show_errors

COUNTS, EMBEDDED, LISTED_UNITS = (500, 2000, 10_000), 2000, 64
MAP, PCA = "latent-map", "pca"


def page() -> None:
    """Draws the page."""
    service = get_service()
    st.title("Latent space", anchor=False)
    st.markdown(
        "Each point is an image that the model was not trained on. On the left it lies where PCA of the pixels, or "
        "another run, puts it; on the right where this run's encoder does. Look for classes that are mixed on one side "
        "and apart on the other."
    )
    with show_errors():
        runs = explorable(service, lambda run: run.config.hyper.modality == "images")
        left, right = st.columns(2) if runs else (st.container(), st.container())
        with left:
            run = choose_run(runs, default="stacked-2")
        if run is not None:
            with right:
                beside = _choose_beside(runs, run)
            _explore(service, run, beside)


def _explore(service: Service, run: RunView, beside: RunView | None) -> None:
    sample, view, dims = _choices(service, run)
    points = data.points(service, sample)
    classes = service.data.classes(run.config.dataset)
    units = _chosen_units(service, points.codes, dims) if view == UNITS else []
    if view == EMBEDDING and not _embedding_wanted(sample, dims, beside):
        view = PRINCIPAL
    panels, spaces = _panels(service, sample, points, run, beside, view, dims, units)
    thumbnails = st.toggle("Thumbnails instead of points", key="thumbnails", bind="query-params")
    row = _picked_row(points)
    near = [_near(service, row, space) if row is not None else [] for space in spaces]
    ringed = [replace(panel, near=[int(points.positions[k]) for k in rows])
              for panel, rows in zip(panels, near, strict=True)]  # fmt: skip
    shown = _shown(classes)
    scatter(MAP, ringed, points.positions, points.labels, classes, shown=shown,
            picked=None if row is None else int(points.positions[row]), thumbnails=thumbnails,
            sheet=data.sheet_name(sample), drawn=points.images is None,
            on_picked=_on_picked, on_shown=_on_shown)  # fmt: skip
    st.caption(_caption(run, points, sample, thumbnails, view))
    downloads("latent-space", lambda: scatter_figure(panels, points.labels, classes, shown),
              lambda: _table(points, panels, classes))  # fmt: skip
    images = data.images(service, sample, points)
    send_sheet("latent-sheet", data.sheet(sample, images))
    _metrics(service, sample, points, beside, panels, spaces)
    st.header("One point", anchor=False)
    st.number_input(
        "Image looked at (its position among the held-out images)", 0, points.total - 1, None, key="point",
        bind="query-params", placeholder="none: click a point above", width=420,
    )  # fmt: skip
    if row is not None:
        picked_point(service, row, points, images, _neighbour_spaces(service, sample, points), classes)
    elif st.session_state.get("point") is not None:
        st.info(f"Image {st.session_state['point']} is not among the {len(points.codes):,} points that were drawn: "
                "pick one of them, or draw more.")  # fmt: skip
    walk(service, run, sample, points, images, classes)


def _choose_beside(runs: dict[str, RunView], run: RunView) -> RunView | None:
    """The run that takes PCA's place on the left, or None for PCA."""
    alike = {name: other for name, other in runs.items() if name != run.id and _same_images(other, run)}
    titles = {PCA: "PCA of the pixels"} | {name: run_label(other) for name, other in alike.items()}
    chosen = query_parameters.pick(
        "Beside it", list(titles), "beside", PCA, titles.__getitem__,
        complaint=f"'{{}}' cannot stand beside {run.id}: choose PCA or a run with the same held-out images.",
    )  # fmt: skip
    return alike.get(chosen)


def _same_images(one: RunView, other: RunView) -> bool:
    return (one.config.dataset, one.config.image_hyper.held_out) == (
        other.config.dataset,
        other.config.image_hyper.held_out,
    )


def _choices(service: Service, run: RunView) -> tuple[Sample, str, int]:
    """How many points of which draw, and how codes are shown."""
    available = service.latent.available(run.id)
    counts = [count for count in COUNTS if count < available] + ([available] if available <= max(COUNTS) else [])
    state = st.session_state
    if state.get("points") not in counts:
        state.pop("points", None)
    row = st.container(horizontal=True, vertical_alignment="bottom")
    count = row.selectbox("Points", counts, counts.index(2000) if 2000 in counts else len(counts) - 1, key="points",
                          bind="query-params", width=120)  # fmt: skip
    seed = row.number_input("Draw", 0, 9999, 0, key="sample", bind="query-params", width=130,
                            help="Start of the random numbers that choose the points.")  # fmt: skip
    long = run.config.hyper.code_units > 2
    views = [PRINCIPAL, UNITS, EMBEDDING] if long else [UNITS, EMBEDDING]
    if state.get("view") not in views:
        state.pop("view", None)
    view = row.selectbox("Code shown as", views, key="view", bind="query-params", width=210)
    space = long and row.toggle("In 3-D", key="space", bind="query-params")
    if view == EMBEDDING:
        count = min(count, EMBEDDED)
    sample = Sample(run.id, data.weights_of(run), service.latent.here(run.id), count, int(seed))
    if run.active and row.button("Newest weights", icon=":material/refresh:",
                                 help="This run is still training: look at it as it is now."):  # fmt: skip
        data.take_newest(run)
        st.rerun()
    return sample, view, 3 if space else 2


def _chosen_units(service: Service, codes: np.ndarray, dims: int) -> list[int]:
    """The units that are drawn, the ones that vary most by default."""
    if codes.shape[1] <= dims:
        return list(range(codes.shape[1]))
    order = [int(unit) + 1 for unit in projections.varying(codes)]
    state, names = st.session_state, ("unit_x", "unit_y", "unit_z")[:dims]
    row = st.container(horizontal=True)
    for k, name in enumerate(names):
        if state.get(name) not in order:
            state.pop(name, None)
        row.selectbox(f"Unit along {name[-1]}", sorted(order), order[k] - 1, key=name, bind="query-params", width=140)
    return [int(state[name]) - 1 for name in names]


def _embedding_wanted(sample: Sample, dims: int, beside: RunView | None) -> bool:
    """Whether the visitor has asked for this t-SNE; until then a button offers it."""
    wanted = st.session_state.setdefault("embeddings", set())
    key = (sample, dims, beside and beside.id)
    if key not in wanted:
        st.info("t-SNE of 2,000 points can take a minute; until then principal components or units are shown.")
        if st.button("Compute t-SNE", icon=":material/scatter_plot:"):
            wanted.add(key)
            st.rerun()
    return key in wanted


def _panels(
    service: Service, sample: Sample, points: Points, run: RunView, beside: RunView | None, view: str, dims: int,
    units: list[int],
) -> tuple[list[Panel], list[np.ndarray]]:  # fmt: skip
    """Both pictures, and the codes that they show."""
    if beside is None:
        codes = data.linear(service, sample, points)
        coords, axes = data.picture(service, PCA, sample, codes, PRINCIPAL, dims, [])
        left = Panel(
            "PCA of the pixels", coords, axes, _heard("the first principal components of their pixels", points)
        )
    else:
        other = sample._replace(run=beside.id, weights=data.weights_of(beside), here=service.latent.here(beside.id))
        theirs = data.points(service, other)
        if not np.array_equal(theirs.positions, points.positions):
            raise BadInput(f"{beside.id} and {run.id} have no codes of the same images here: choose other runs.")
        codes = theirs.codes
        coords, axes = data.picture(service, "code", other, codes, view if view != UNITS else PRINCIPAL, dims, [])
        left = Panel(_title(beside, codes), coords, axes, _heard(f"the code of {beside.id}", points))
    coords, axes = data.picture(service, "code", sample, points.codes, view, dims, units)
    right = Panel(_title(run, points.codes), coords, axes, _heard(f"the code of {run.id}", points))
    return [left, right], [codes, points.codes]


def _title(run: RunView, codes: np.ndarray) -> str:
    name = run.id if run.status == "pretrained" else f"{run.config.hyper.title} ({run.id})"
    return f"Code of {name}, {codes.shape[1]:,} units"


def _heard(where: str, points: Points) -> str:
    return (f"{len(points.codes):,} held-out images in {where}, coloured by class. With the arrow keys you go from "
            "point to point, Enter looks at one, plus and minus zoom.")  # fmt: skip


def _near(service: Service, row: int, space: np.ndarray) -> list[int]:
    return [int(other) for other in neighbours.nearest(space, row, 8)[0]]


def _neighbour_spaces(service: Service, sample: Sample, points: Points) -> list[tuple[str, np.ndarray]]:
    if points.images is not None:
        return [("the code", points.codes), ("the pixels", points.images.astype(np.float32) / 255)]
    pca = data.linear(service, sample, points)
    return [("the code", points.codes), (f"the pixels' first {pca.shape[1]} principal components", pca)]


def _picked_row(points: Points) -> int | None:
    position = st.session_state.get("point", st.query_params.get("point"))
    return points.row(int(position)) if str(position).isdecimal() else None


def _on_picked() -> None:
    st.session_state["point"] = st.session_state[MAP]["picked"]


def _on_shown() -> None:
    shown = st.session_state[MAP]["shown"]
    if shown:
        st.query_params["classes"] = ",".join(str(int(label)) for label in shown)
    else:
        st.query_params.pop("classes", None)


def _shown(classes: tuple[str, ...]) -> list[int]:
    """The classes that the query parameters name; [] for all."""
    asked = st.query_params.get("classes", "")
    wanted = [part.strip() for part in asked.split(",") if part.strip()]
    if all(label.isdecimal() and int(label) < len(classes) for label in wanted):
        return [int(label) for label in wanted]
    st.error(f"classes takes numbers from 0 to {len(classes) - 1} with commas between them; received '{asked}'.")
    return []


def _caption(run: RunView, points: Points, sample: Sample, thumbnails: bool, view: str) -> str:
    count, total = len(points.codes), points.total
    caption = f"{count:,} of {total:,} held-out images, drawn at random with the classes in turns (draw {sample.seed})."
    if count == total:
        caption = f"All {total:,} held-out images."
    if points.images is None:
        caption += (" The images are not shipped: a thumbnail is what the model draws at the point's code. With "
                 f"{run.config.dataset} on this machine they are the images themselves.")  # fmt: skip
    elif run.config.image_hyper.noise != "none":
        caption += " The encoder is shown them with noise; thumbnails are without."
    if thumbnails:
        caption += f" Of the points in view {THUMBNAILS} random ones at most get a thumbnail: zoom in for the others."
    if view == EMBEDDING:
        caption += " t-SNE keeps neighbours together; distances between its clouds mean little."
    if run.active:
        caption += f" The run is still training: weights of about epoch {float(sample.weights.split('-')[1]):.4g}."
    return caption + " 'Move' drags, turns and zooms with the wheel; a class alone: press its name."


def _table(points: Points, panels: list[Panel], classes: tuple[str, ...]) -> pd.DataFrame:
    columns: dict[str, Any] = {"image": points.positions, "class": [classes[label] for label in points.labels]}
    for side, panel in zip(("left", "right"), panels, strict=True):
        for k, axis in enumerate(panel.axes):
            columns[f"{side}: {panel.title}, {axis}"] = panel.coords[:, k]
    if points.codes.shape[1] <= LISTED_UNITS:
        columns |= {f"unit {k + 1}": points.codes[:, k] for k in range(points.codes.shape[1])}
    return pd.DataFrame(columns)


def _metrics(
    service: Service,
    sample: Sample,
    points: Points,
    beside: RunView | None,
    panels: list[Panel],
    spaces: list[np.ndarray],
) -> None:
    found = []
    left, right = st.columns(2, gap="medium")
    with left:
        other = sample if beside is None else sample._replace(run=beside.id, weights=data.weights_of(beside))
        title = f"PCA, {spaces[0].shape[1]:,} components" if beside is None else panels[0].title
        found.append((title, data.metrics(service, PCA if beside is None else "code", other, spaces[0], points)))
        metrics_beside(*found[-1])
    with right:
        found.append((panels[1].title, data.metrics(service, "code", sample, spaces[1], points)))
        metrics_beside(*found[-1])
    about_metrics()
    downloads("latent-figures", None, lambda: pd.DataFrame(
        [{"space": title, "5-NN accuracy": number(f.knn5_accuracy), "trustworthiness": number(f.trustworthiness),
          "silhouette": number(f.silhouette), "from the scorecard": " ".join(f.from_scorecard), "points": f.count}
         for title, f in found]
    ))  # fmt: skip


page()
