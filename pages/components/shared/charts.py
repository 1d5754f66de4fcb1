"""Charts that are redrawn while a run goes on.

Their specification stays the same and only data change, so that they update in place and keep their zoom (a
Plotly figure that changes would be mounted anew). Specifications are made once with Altair and kept.
"""

import functools
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from aecore.analysis.projections import principal_directions
from aecore.store.views import Curve, RunView
from pages.components.shared.vega import without_data

TRAINING, HELD_OUT, WITHIN, PHASE, NOW = "training", "held out", "within epochs", "phase", "now"
HEIGHT = 360
# Streamlit resets a zoom when data change, unless its parameter is a selection that Python listens to.
ZOOM = "zoom"
KEEP_ZOOM: dict[str, Any] = {"on_select": "rerun", "selection_mode": [ZOOM]}


def loss_chart(run: RunView, curve: Curve, logarithmic: bool, now: float | None = None) -> None:
    """Draws loss curves with PCA's error as a line, and the beginnings of the phases where there are several.

    Args:
        run: whose curves.
        curve: its losses.
        logarithmic: whether the losses' axis is, where that is possible.
        now: position in epochs of a moving rule, for a replay.
    """
    hyper = run.config.hyper
    # Likelihoods of real numbers can be above one, and losses then below zero, where no logarithm is.
    lowest = min((min(epoch.loss, epoch.val_loss) for epoch in curve.epochs), default=1.0)
    logarithmic = logarithmic and min(lowest, *(loss for _, loss in curve.ticks), run.baseline_loss or 1.0) > 0
    phases, replayed = len(hyper.phases()) > 1, now is not None
    spec = _loss_spec(run.total_epochs, pca_name(run), hyper.loss_title, logarithmic, phases, replayed)
    key = f"{'replayed-loss' if replayed else 'loss'}-{run.id}-{logarithmic}"
    description = "Training and held-out loss by epoch, with the baseline's as a dashed line."
    st.vega_lite_chart(curve_frame(run, curve, now), spec, key=key, alt=description, **KEEP_ZOOM)


def curve_frame(run: RunView, curve: Curve, now: float | None = None) -> pd.DataFrame:
    """The losses in long form: epoch, loss, series, and the phase of an epoch.

    PCA's error is a series of two points; a phase's beginning is a row of the series "phase", and the rule of a replay
    one of "now".
    """
    rows: list[tuple[float, float, str, str]] = []
    rows += [(position, loss, WITHIN, "") for position, loss in curve.ticks]
    for epoch in curve.epochs:
        rows += [(epoch.epoch, epoch.loss, TRAINING, epoch.phase), (epoch.epoch, epoch.val_loss, HELD_OUT, epoch.phase)]
    if run.baseline_loss is not None:
        rows += [(position, run.baseline_loss, pca_name(run), "") for position in (0.0, float(run.total_epochs))]
    begin = 0
    for phase, epochs in run.config.hyper.phases():
        rows.append((float(begin), np.nan, PHASE, phase))
        begin += epochs
    if now is not None:
        rows.append((now, np.nan, NOW, ""))
    return pd.DataFrame(rows, columns=["epoch", "loss", "series", "phase"])


def pca_name(run: RunView) -> str:
    """How the baseline is called in the legend."""
    return run.config.hyper.baseline_title(run.config.image_shape)


@functools.lru_cache(maxsize=64)
def _loss_spec(total_epochs: int, pca: str, loss: str, logarithmic: bool, phases: bool, now: bool) -> dict[str, Any]:
    names = [TRAINING, HELD_OUT, WITHIN, pca]
    x = alt.X("epoch:Q", title="epoch", scale=alt.Scale(domain=[0, total_epochs], nice=False))
    scale = alt.Scale(type="log", nice=False) if logarithmic else alt.Scale(zero=False, nice=False)
    y = alt.Y("loss:Q", title=f"loss ({loss})", scale=scale, axis=alt.Axis(format="~g"))
    legend = alt.Legend(
        orient="bottom", columns=2, labelLimit=0, symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1
    )
    colour = alt.Color("series:N", title=None, scale=alt.Scale(domain=names), legend=legend)
    dashes = alt.Scale(domain=names, range=[[1, 0], [1, 0], [1, 0], [6, 4]])
    dash = alt.StrokeDash("series:N", title=None, scale=dashes, legend=legend)
    base = alt.Chart(alt.NamedData("curve"))
    losses = base.transform_filter(f"indexof(['{PHASE}', '{WITHIN}', '{NOW}'], datum.series) < 0")
    tooltip = [
        alt.Tooltip("series:N"),
        alt.Tooltip("epoch:Q", format=".4~g"),
        alt.Tooltip("loss:Q", format=".4~g"),
        alt.Tooltip("phase:N"),
    ]
    ticks = base.transform_filter(f"datum.series == '{WITHIN}'")
    layers: list[alt.Chart] = [
        ticks.mark_line(clip=True, strokeWidth=1, opacity=0.45).encode(x, y, colour),
        losses.mark_line(clip=True).encode(x, y, colour, dash),
        losses.mark_point(clip=True, filled=True, size=28).encode(x, y, colour, tooltip=tooltip),
    ]
    if phases:
        begins = base.transform_filter(f"datum.series == '{PHASE}'")
        words = begins.mark_text(align="left", baseline="top", dx=3, fontSize=11)
        layers += [
            begins.mark_rule(strokeDash=[2, 3], opacity=0.6).encode(x),
            words.encode(x, y=alt.value(2), text="phase:N"),
        ]
    if now:
        here = base.transform_filter(f"datum.series == '{NOW}'")
        layers.append(here.mark_rule(strokeWidth=2, color="gray").encode(x))
    return without_data(alt.layer(*layers).properties(height=HEIGHT).interactive(name=ZOOM))


def parts_charts(run: RunView, curve: Curve) -> None:
    """Draws each term that the loss is made of, for training and held-out images; nothing where there is but one."""
    frame = parts_frame(curve)
    for term in frame["term"].unique():
        description = f"The {term} term of the loss by epoch, for training and for held-out images."
        st.vega_lite_chart(frame[frame["term"] == term], _part_spec(run.total_epochs, term),
                           key=f"part-{term}-{run.id}", alt=description, **KEEP_ZOOM)  # fmt: skip
    if len(frame):
        st.caption("The terms that the loss is made of; the KL is shown before it is multiplied by β.")


def parts_frame(curve: Curve) -> pd.DataFrame:
    """The terms of the losses in long form: epoch, value, term, images."""
    rows = []
    # The evidence lower bound is the loss itself with the other sign, unless its KL has another weight.
    again = all(np.isclose(epoch.parts.get("elbo", np.nan), -epoch.loss) for epoch in curve.epochs)
    for epoch in curve.epochs:
        for name, value in epoch.parts.items():
            term = name.removeprefix("val_")
            if not (term == "elbo" and again):
                rows.append((epoch.epoch, value, term, HELD_OUT if name != term else TRAINING))
    return pd.DataFrame(rows, columns=["epoch", "value", "term", "images"])


@functools.lru_cache(maxsize=64)
def _part_spec(total_epochs: int, term: str) -> dict[str, Any]:
    legend = alt.Legend(orient="bottom", symbolType="stroke", symbolStrokeWidth=3)
    chart = alt.Chart(alt.NamedData("parts")).mark_line(point=alt.OverlayMarkDef(size=20), clip=True)
    chart = chart.encode(
        alt.X("epoch:Q", scale=alt.Scale(domain=[0, total_epochs], nice=False)),
        alt.Y("value:Q", title=term, scale=alt.Scale(zero=False), axis=alt.Axis(format=".4~g")),
        alt.Color("images:N", title=None, scale=alt.Scale(domain=[TRAINING, HELD_OUT]), legend=legend),
        tooltip=["images:N", "epoch:Q", alt.Tooltip("value:Q", format=".4~g")],
    )
    return without_data(chart.properties(height=240).interactive(name=ZOOM))


def kl_chart(key: str, kl: np.ndarray) -> None:
    """Draws the KL of each unit of a code [units] as bars."""
    frame = pd.DataFrame({"unit": np.arange(1, len(kl) + 1), "kl": kl.astype(np.float64)})
    description = f"KL of each of the {len(kl)} units of the code, in nats."
    st.vega_lite_chart(frame, _kl_spec(), key=key, alt=description)


@functools.lru_cache(maxsize=1)
def _kl_spec() -> dict[str, Any]:
    chart = alt.Chart(alt.NamedData("kl")).mark_bar()
    chart = chart.encode(
        alt.X("unit:O", title="unit of the code", axis=alt.Axis(labelOverlap=True, labelAngle=0)),
        alt.Y("kl:Q", title="KL, nats"),
        tooltip=["unit:O", alt.Tooltip("kl:Q", format=".3~g")],
    )
    return without_data(chart.properties(height=180))


def codes_chart(key: str, codes: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> None:
    """Draws codes [n, units] in the plane, coloured by class [n]."""
    spec = _codes_spec(min(codes.shape[1], 3), classes)
    description = "Codes of held-out images, coloured by class."
    st.vega_lite_chart(codes_frame(codes, labels), spec, key=key, alt=description, **KEEP_ZOOM)


def codes_frame(codes: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """Codes in the plane: as they are if they have two units, else their first two principal components.

    Args:
        codes: [n, units].
        labels: [n] classes.

    Returns:
        Columns x, y and class.
    """
    codes = np.nan_to_num(codes.astype(np.float64))
    if codes.shape[1] == 1:
        plane = np.column_stack([codes[:, 0], labels])
    elif codes.shape[1] == 2:
        plane = codes
    else:
        centred = codes - codes.mean(axis=0)
        plane = centred @ principal_directions(centred, 2)
    return pd.DataFrame({"x": plane[:, 0], "y": plane[:, 1], "class": labels.astype(int)})


@functools.lru_cache(maxsize=64)
def _codes_spec(units: int, classes: tuple[str, ...]) -> dict[str, Any]:
    x, y = {1: ("the code's one unit", "class"), 2: ("code unit 1", "code unit 2")}.get(
        units, ("first principal component of the code", "second principal component")
    )
    scale, known = alt.Scale(zero=False), list(range(len(classes)))
    legend = alt.Legend(orient="right", labelExpr=f"{list(classes)}[toNumber(datum.value)]")
    chart = alt.Chart(alt.NamedData("codes")).mark_circle(size=26, opacity=0.75)
    chart = chart.encode(
        alt.X("x:Q", title=x, scale=scale),
        alt.Y("y:Q", title=y, scale=scale),
        alt.Color("class:N", title=None, scale=alt.Scale(domain=known), legend=legend),
        tooltip=[alt.Tooltip("class:N")],
    )
    return without_data(chart.properties(height=HEIGHT).interactive(name=ZOOM))
