"""Walks through a code: where the visitor points, along its own spread, between two images, over a grid, at random."""

import numpy as np
import pandas as pd
import streamlit as st

from aecore.analysis import interpolation
from aecore.explore.latent import Points
from aecore.service import Service
from aecore.store.views import RunView
from pages.components.latent import data as data
from pages.components.latent.data import PRINCIPAL, UNITS, Sample
from pages.components.latent.figures import images_figure
from pages.components.scatter.component import Panel, scatter
from pages.components.shared import pictures
from pages.components.shared.export import downloads
from pages.components.shared.session import show_errors

PLANE, PLANE_POINTS, MARGIN = "latent-plane", 2000, 0.04  # the margin is that of assets/geometry.js
SLIDERS, REACH = 8, 3.0
STEPS, SIDE, DRAWN, IN_A_ROW = 10, 15, 20, 10
MEAN, PICKED = "the mean of the codes", "the image looked at"


def walk(
    service: Service, run: RunView, sample: Sample, points: Points, images: np.ndarray, classes: tuple[str, ...]
) -> None:
    """Draws the section; each part is redrawn by itself.

    Args:
        service: the back end.
        run: whose decoder draws.
        sample: which points of which weights.
        points: held-out images and their codes.
        images: what is shown of them, uint8 [n, h, w].
        classes: names.
    """
    st.header("Walk", anchor=False)
    st.markdown("The decoder draws an image for any code, also for one that no image has.")
    if run.active:
        st.caption("This run is still training: what is drawn here comes from a newer decoder than the codes. 'Newest "
                   "weights' above brings them together again.")  # fmt: skip
    flat = points.codes.shape[1] == 2
    st.fragment(_plane if flat else _along)(service, run, sample, points, classes)
    st.subheader("Between two images", anchor=False)
    st.fragment(_between)(service, run, sample, points, images, classes)
    if flat:
        st.subheader("The plane of codes", anchor=False)
        with show_errors():
            _grid(service, run, sample, points)
    if has_prior(run):
        st.subheader("Drawn from the prior", anchor=False)
        st.fragment(_prior)(service, run, sample, points)


def has_prior(run: RunView) -> bool:
    """Whether codes are kept near a distribution that can be drawn from."""
    return run.config.variant == "variational"


def _plane(service: Service, run: RunView, sample: Sample, points: Points, classes: tuple[str, ...]) -> None:
    """A code of two units: the image wherever the visitor points."""
    low, high = points.codes.min(axis=0), points.codes.max(axis=0)
    margin = np.maximum(high - low, 1e-6) * MARGIN
    ends = [(float(a), float(b)) for a, b in zip(low - margin, high + margin, strict=True)]
    state = st.session_state
    middle = [float(np.clip(value, *end)) for value, end in zip(np.median(points.codes, axis=0), ends, strict=True)]
    for name, end in zip(("walk_x", "walk_y"), ends, strict=True):
        if name in state:
            state[name] = float(np.clip(state[name], *end))
    left, right = st.columns([3, 2], gap="medium")
    with right:
        place = st.container()
        at = [
            st.slider(f"Code unit {k + 1}", *ends[k], middle[k], (ends[k][1] - ends[k][0]) / 400, key=name,
                      bind="query-params", format="%.3g")
            for k, name in enumerate(("walk_x", "walk_y"))
        ]  # fmt: skip
    code = np.array([at], np.float32)
    with left:
        few = slice(PLANE_POINTS)
        placed = state.get(PLANE, {}).get("placed")
        caption = (
            "The plane of the code with held-out images as points. Click, drag or use the arrow keys to choose a code."
        )
        title, axes = "Point anywhere: click, or drag", ("code unit 1", "code unit 2")
        scatter(PLANE, [Panel(title, points.codes[few], axes, caption)], points.positions[few],
                points.labels[few], classes, mark=(at[0], at[1]), seen=int(placed[2]) if placed else 0,
                on_placed=_on_placed)  # fmt: skip
    with place, show_errors():
        drawn = data.decoded(service, run.id, sample.weights, code)
        st.image(pictures.mosaic([drawn], scale=8), alt=f"What the decoder draws at {at[0]:.3g}, {at[1]:.3g}.")
        st.caption(f"What the decoder draws at ({at[0]:.3g}, {at[1]:.3g}). Between two clouds one digit turns into the "
                   "other; far from all clouds nothing has been learnt.")  # fmt: skip
        downloads("walk", lambda: images_figure([drawn]), lambda: _code_table(code))


def _on_placed() -> None:
    x, y, _ = st.session_state[PLANE]["placed"]
    st.session_state["walk_x"], st.session_state["walk_y"] = float(x), float(y)


def _along(service: Service, run: RunView, sample: Sample, points: Points, classes: tuple[str, ...]) -> None:
    """A longer code: sliders in units of its own spread."""
    row = points.row(st.session_state.get("point"))
    top = st.container(horizontal=True, vertical_alignment="bottom")
    label = top.selectbox("Sliders move along", [PRINCIPAL, UNITS], key="along", bind="query-params", width=230)
    starts = [MEAN] if row is None else [MEAN, PICKED]
    if st.session_state.get("start") not in starts:
        st.session_state.pop("start", None)
    start = top.selectbox("Start from", starts, key="start", bind="query-params", width=230,
                          help="Pick an image above to start from its code.")  # fmt: skip
    top.button("Back to the start", icon=":material/undo:", on_click=_back)
    spread = data.spread(service, sample, "units" if label == UNITS else "components", SLIDERS, points.codes)
    origin = spread.mean if start == MEAN or row is None else points.codes[row]
    left, right = st.columns([3, 2], gap="medium")
    with left:
        pairs = [st.columns(2) for _ in range(0, len(spread.names), 2)]
        deviations = [
            pairs[k // 2][k % 2].slider(f"{name} ({share:.1%} of the variance)", -REACH, REACH, 0.0, 0.1,
                                        key=f"d{k + 1}", bind="query-params", format="%.1f σ")
            for k, (name, share) in enumerate(zip(spread.names, spread.shares, strict=True))
        ]  # fmt: skip
    code = spread.code(origin, deviations)
    with right, show_errors():
        drawn = data.decoded(service, run.id, sample.weights, np.stack([origin, code]))
        st.image(pictures.mosaic([drawn], scale=5), alt="The start on the left, and what the sliders make of it.")
        st.caption(f"Left: {start}. Right: with the sliders' steps, each in standard deviations (σ) of the "
                   f"{len(points.codes):,} codes along that direction. At 3 σ few images have been seen.")  # fmt: skip
        downloads("walk", lambda: images_figure([drawn]), lambda: _code_table(np.stack([origin, code])))


def _back() -> None:
    for k in range(SLIDERS):
        st.session_state[f"d{k + 1}"] = 0.0


def _between(
    service: Service, run: RunView, sample: Sample, points: Points, images: np.ndarray, classes: tuple[str, ...]
) -> None:
    """The line between the codes of two images, and for variational models the turn."""
    present = [name for label, name in enumerate(classes) if (points.labels == label).any()]
    row = st.container(horizontal=True, vertical_alignment="bottom")
    for name in ("from_class", "to_class"):
        if st.session_state.get(name) not in present:
            st.session_state.pop(name, None)
    start = row.selectbox("From", present, min(3, len(present) - 1), key="from_class", bind="query-params", width=150)
    end = row.selectbox("To", present, min(8, len(present) - 1), key="to_class", bind="query-params", width=150)
    pair = row.number_input("Pair", 0, 9999, 0, key="pair", bind="query-params", width=130,
                            help="Which two images of these classes: start of the random numbers.")  # fmt: skip
    rng = np.random.default_rng(int(pair))
    ends = [int(rng.choice(np.flatnonzero(points.labels == classes.index(name)))) for name in (start, end)]
    a, b = points.codes[ends]
    ways = {"linear": interpolation.straight(a, b, STEPS)}
    if has_prior(run):
        ways["spherical"] = interpolation.spherical(a, b, STEPS)
    with show_errors():
        drawn = {name: data.decoded(service, run.id, sample.weights, codes) for name, codes in ways.items()}
        whole = [np.concatenate([images[[ends[0]]], found, images[[ends[1]]]]) for found in drawn.values()]
        positions = [int(points.positions[end]) for end in ends]
        st.image(pictures.mosaic(whole), width="stretch",
                 alt=f"From image {positions[0]} to image {positions[1]}, by way of {STEPS} codes; "
                     f"{' above '.join(drawn)}.")  # fmt: skip
        what = "the two images" if points.images is not None else "what the model draws at the two codes"
        caption = f"Outermost: {what} ({' and '.join(map(str, positions))}); between them {STEPS} even steps, decoded. "
        if "spherical" in ways:
            caption += (
                r"Above, the straight line $a + t\,(b - a)$, which passes nearer to the origin than codes lie. Below, "
                r"the turn by the angle $\Omega$ between the codes (Shoemake, 1985): "
                r"$(\sin((1 - t)\,\Omega)\,a + \sin(t\,\Omega)\,b) / \sin\Omega$."
            )
        else:
            caption += (
                "Look for the step at which one class turns into the other, and whether what lies between is one."
            )
        st.caption(caption)
        downloads("between", lambda: images_figure(whole, list(ways)), lambda: pd.concat(
            [_code_table(codes).assign(way=name, step=np.arange(STEPS)) for name, codes in ways.items()]
        ))  # fmt: skip


def _grid(service: Service, run: RunView, sample: Sample, points: Points) -> None:
    prior = has_prior(run)
    codes = interpolation.prior_grid(SIDE) if prior else interpolation.quantile_grid(points.codes, SIDE)
    drawn = data.decoded(service, run.id, sample.weights, codes)
    rows = [drawn[k : k + SIDE] for k in range(0, len(drawn), SIDE)]
    st.image(pictures.mosaic(rows, scale=2, gap=0), width="content", alt="Images decoded on a grid over the code.")
    (x0, y1), (x1, y0) = codes[0], codes[-1]
    even = f"even in the quantiles of {'the prior' if prior else 'the codes on each axis'}"
    st.caption(f"What the decoder draws on {SIDE} × {SIDE} codes, {even}: code unit 1 from {x0:.3g} on the left to "
               f"{x1:.3g}, unit 2 from {y0:.3g} at the bottom to {y1:.3g}. Neighbouring codes give similar images; how "
               "much room each class has shows what the model cares about.")  # fmt: skip
    downloads("plane", lambda: images_figure(rows), lambda: _code_table(codes))


def _prior(service: Service, run: RunView, sample: Sample, points: Points) -> None:
    row = st.container(horizontal=True, vertical_alignment="bottom")
    row.button("Draw again", icon=":material/casino:", on_click=_draw_again)
    draw = row.number_input("Draw from the prior", 0, 9999, 0, key="prior", bind="query-params", width=160,
                            help="Start of the random numbers.")  # fmt: skip
    codes = interpolation.draws(DRAWN, points.codes.shape[1], int(draw))
    with show_errors():
        drawn = data.decoded(service, run.id, sample.weights, codes)
        rows = [drawn[k : k + IN_A_ROW] for k in range(0, len(drawn), IN_A_ROW)]
        st.image(pictures.mosaic(rows), width="stretch", alt=f"{DRAWN} images decoded from random codes.")
        st.caption(f"{DRAWN} codes drawn from the standard normal distribution (draw {draw}) and decoded: images that "
                   "nobody wrote. Clear ones show that the codes of real images fill the prior.")  # fmt: skip
        downloads("prior", lambda: images_figure(rows), lambda: _code_table(codes))


def _draw_again() -> None:
    st.session_state["prior"] = (int(st.session_state.get("prior", 0)) + 1) % 10_000


def _code_table(codes: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(codes, columns=[f"unit {k + 1}" for k in range(codes.shape[1])])
