"""What a replay shows of one moment: losses with a moving rule, codes, reconstructions and weights on fixed axes."""

import functools
from functools import partial
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from aecore.explore.replay import Film
from aecore.service import Service
from aecore.store.views import RunView, SnapshotView
from pages.components.replay import figure
from pages.components.shared import charts, pictures, visualizations
from pages.components.shared import weight_pictures as drawn
from pages.components.shared.export import downloads
from pages.components.shared.vega import without_data

ALIGNED, AS_THEY_ARE = "aligned", "raw"
CODES = {ALIGNED: "aligned, so that points travel", AS_THEY_ARE: "as they are"}
PICTURES = ("manifold", "samples")
WIDE, LARGEST = 600, 12  # pixels, of a picture of weights and of one weight


def moment(service: Service, run: RunView, film: Film, view: SnapshotView, frame: int, codes: str) -> None:
    """Draws a snapshot of a film; `codes` is one of `CODES`."""
    curve = service.runs.curve(run.id)
    plane = film.aligned if codes == ALIGNED else film.as_they_are
    left, right = st.columns(2, gap="medium")
    with left:
        st.header("Loss", anchor=False)
        charts.loss_chart(run, curve, True, view.position)
        st.header("Codes", anchor=False)
        _codes(service, run, film, plane, frame)
        st.caption(_codes_caption(run, film, codes))
        classes = service.data.classes(run.config.dataset)
        downloads(f"{run.id}-moment",
                  partial(figure.figure, run, curve, film, view, plane, frame, classes),
                  partial(codes_table, film))  # fmt: skip
    with right:
        st.header("Reconstructions", anchor=False)
        _reconstructions(run, view)
        kernels = view.arrays["tiles"].shape[1] <= visualizations.KERNEL_SIZE
        for name, title in (("tiles", "Kernels" if kernels else "Weights"), ("maps", "Feature maps")):
            if name in view.arrays:
                st.header(title, anchor=False)
                picture, limit = drawn.mosaic(view.arrays[name].astype(np.float32)), film.limits[name]
                st.image(drawn.png(picture, limit, wide=WIDE, largest=LARGEST),
                         width=min(WIDE, LARGEST * picture.shape[1]),
                         alt=f"{title} after epoch {view.position:.4g}.")  # fmt: skip
                drawn.colour_bar(limit)
        st.caption("One scale for the whole run: the colours deepen as the weights grow.")
        visualizations.others(run, SnapshotView(view.position, {n: a for n, a in view.arrays.items() if n in PICTURES}))


def _reconstructions(run: RunView, view: SnapshotView) -> None:
    arrays = view.arrays
    names = {"clean": "held-out images", "corrupted": "what the model is shown", "outputs": "what comes back"}
    if run.config.image_hyper.noise == "none":
        del names["corrupted"]
    rows = {name: arrays[name] for name in names if name in arrays and (name == "outputs" or "clean" in arrays)}
    caption = "From top to bottom: " + ", ".join(names[name] for name in rows)
    if "clean" not in rows:
        caption = f"What the model makes of ten held-out images, which are not here without {run.config.dataset}"
    st.image(pictures.mosaic(list(rows.values())), width="stretch", alt=f"{caption}.")
    st.caption(f"{caption}. Look for how one blur for all becomes each image by itself.")


def _codes(service: Service, run: RunView, film: Film, plane: np.ndarray, frame: int) -> None:
    low, high = plane.min(axis=(0, 1)), plane.max(axis=(0, 1))
    pad = 0.03 * np.maximum(high - low, 1e-6)
    domain = tuple(float(f"{value:.4g}") for value in (*(low - pad), *(high + pad)))
    points = pd.DataFrame({"x": plane[frame, :, 0], "y": plane[frame, :, 1], "class": film.labels.astype(int)})
    spec = _codes_spec(min(film.units, 3), service.data.classes(run.config.dataset), domain)
    caption = f"Codes of {len(film.labels)} held-out images by class, on axes of the whole run."
    st.vega_lite_chart(points, spec, key=f"replayed-codes-{run.id}", alt=caption)


@functools.lru_cache(maxsize=64)
def _codes_spec(units: int, classes: tuple[str, ...], domain: tuple[float, ...]) -> dict[str, Any]:
    x, y = {1: ("the code's one unit", "class"), 2: ("code unit 1", "code unit 2")}.get(
        units, ("first principal component of the last codes", "second principal component")
    )
    legend = alt.Legend(orient="right", labelExpr=f"{list(classes)}[toNumber(datum.value)]")
    chart = alt.Chart(alt.NamedData("codes")).mark_circle(size=26, opacity=0.75, clip=True)
    chart = chart.encode(
        alt.X("x:Q", title=x, scale=alt.Scale(domain=[domain[0], domain[2]], nice=False)),
        alt.Y("y:Q", title=y, scale=alt.Scale(domain=[domain[1], domain[3]], nice=False)),
        alt.Color("class:N", title=None, scale=alt.Scale(domain=list(range(len(classes)))), legend=legend),
        tooltip=[alt.Tooltip("class:N")],
    )
    return without_data(chart.properties(height=charts.HEIGHT + 60))


def _codes_caption(run: RunView, film: Film, codes: str) -> str:
    caption = f"Codes of {len(film.labels):,} held-out images, coloured by class, on axes that hold the whole run. "
    if run.config.hyper.code_units > film.units:
        caption += f"Of so long a code each snapshot keeps its own {film.units} principal components. "
    if film.units > 2:
        caption += "Every frame is drawn in the plane of the last one's first two principal components. "
    if codes == ALIGNED:
        return caption + (
            "Each frame's codes are moved to a common mean and turned or mirrored, not stretched, as near as can be to "
            "the frame before (orthogonal Procrustes): what moves is what is learnt, not the code's arbitrary "
            "orientation. Look for a cloud that unfolds into one island for each class."
        )
    return caption + "They are as the model has them: between snapshots the whole cloud may turn, shift or flip."


def codes_table(film: Film) -> pd.DataFrame:
    """The codes of all frames in the plane, both ways."""
    frames, count = len(film.positions), len(film.labels)
    return pd.DataFrame(
        {
            "epoch": np.repeat(film.positions, count), "image": np.tile(film.indices, frames),
            "class": np.tile(film.labels, frames), "x": film.as_they_are[..., 0].ravel(),
            "y": film.as_they_are[..., 1].ravel(), "x_aligned": film.aligned[..., 0].ravel(),
            "y_aligned": film.aligned[..., 1].ravel(),
        }
    )  # fmt: skip
