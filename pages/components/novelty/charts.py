"""Charts of the page Novelty: histograms of errors with a threshold, ROC curves, and both for a paper."""

import functools
import itertools
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
from matplotlib.figure import Figure

from aecore.explore.novelty import Detector, Examined
from pages.components.shared.vega import without_data

NOVEL, KNOWN = "left out", "trained on"
BINS, SHOWN = 30, 10


def draw_histogram(detector_name: str, detector: Detector, threshold: float) -> None:
    """Draws how many images of each kind have which error, and the threshold."""
    rule = pd.DataFrame({"from": [threshold], "to": [threshold], "share": [0.0], "images": ["threshold"]})
    st.vega_lite_chart(
        pd.concat([_histogram(detector), rule]), _histogram_spec(), key=f"histogram-{detector_name}", width="stretch",
        alt=f"Histograms of the error of {detector_name} for images of the class left out and for the others; the "
        f"threshold is {threshold:.4f}.",
    )  # fmt: skip


def _histogram(detector: Detector) -> pd.DataFrame:
    """Shares of both kinds of images by error, in the same bins; the largest errors share the last one."""
    edges = np.linspace(0, float(np.quantile(detector.errors, 0.998)), BINS + 1)
    rows = []
    for name, which in ((KNOWN, ~detector.novel), (NOVEL, detector.novel)):
        counts = np.histogram(np.minimum(detector.errors[which], edges[-1]), edges)[0] / which.sum()
        rows += [(*edge, share, name) for edge, share in zip(itertools.pairwise(edges), counts, strict=True)]
    return pd.DataFrame(rows, columns=["from", "to", "share", "images"])


@functools.lru_cache(maxsize=1)
def _histogram_spec() -> dict[str, Any]:
    base = alt.Chart(alt.NamedData("errors"))
    bars = base.transform_filter("datum.images != 'threshold'").mark_bar(opacity=0.6, binSpacing=0)
    bars = bars.encode(
        alt.X("from:Q", title="mean squared error of an image"),
        alt.X2("to:Q"),
        alt.Y("share:Q", title="share", stack=None, axis=alt.Axis(format="%")),
        alt.Color("images:N", title=None, scale=alt.Scale(domain=[KNOWN, NOVEL]), legend=alt.Legend(orient="bottom")),
        y2=alt.datum(0),
        tooltip=["images:N", alt.Tooltip("from:Q", format=".4f"), alt.Tooltip("share:Q", format=".1%")],
    )
    rule = base.transform_filter("datum.images == 'threshold'").mark_rule(strokeDash=[6, 4], size=2, color="gray")
    return without_data(alt.layer(bars, rule.encode(alt.X("from:Q"))).properties(height=290))


def roc_frame(detectors: dict[str, Detector], title: dict[str, str]) -> pd.DataFrame:
    """ROC curves in long form: false_alarms, found, detector (its title)."""
    parts = []
    for detector_name, detector in detectors.items():
        false, true = detector.roc()
        parts.append(pd.DataFrame({"false_alarms": false, "found": true, "detector": title[detector_name]}))
    return pd.concat(parts, ignore_index=True)


def draw_roc(frame: pd.DataFrame, names: tuple[str, ...]) -> None:
    """Draws ROC curves and chance."""
    description = f"ROC curves: {', '.join(names)}."
    st.vega_lite_chart(frame, _roc_spec(names), key="roc", width="stretch", alt=description)


@functools.lru_cache(maxsize=16)
def _roc_spec(names: tuple[str, ...]) -> dict[str, Any]:
    unit = alt.Scale(domain=[0, 1], nice=False)
    base = alt.Chart(alt.NamedData("roc"))
    curves = base.mark_line(interpolate="linear").encode(
        alt.X("false_alarms:Q", title="false alarms, share of known images", scale=unit),
        alt.Y("found:Q", title="found, share of novel images", scale=unit),
        alt.Color(
            "detector:N",
            title=None,
            scale=alt.Scale(domain=list(names)),
            legend=alt.Legend(orient="bottom", labelLimit=0, columns=1, symbolType="stroke"),
        ),
        alt.Order("false_alarms:Q"),
        tooltip=["detector:N", alt.Tooltip("false_alarms:Q", format=".3f"), alt.Tooltip("found:Q", format=".3f")],
    )
    chance = base.mark_rule(strokeDash=[4, 4], color="gray").encode(
        x=alt.datum(0), y=alt.datum(0), x2=alt.datum(1), y2=alt.datum(1)
    )
    return without_data(alt.layer(chance, curves).properties(height=520))


def histogram_figure(detectors: dict[str, Detector], allowed: float) -> Figure:
    """The histograms for a paper."""
    figure = Figure((4.6, 4.2))
    for axes, (detector_name, detector) in zip(figure.subplots(2, 1), detectors.items(), strict=True):
        frame = _histogram(detector)
        for name in (KNOWN, NOVEL):
            part = frame[frame["images"] == name]
            axes.stairs(part["share"], [*part["from"], part["to"].iloc[-1]], fill=True, alpha=0.6, label=name)
        axes.axvline(detector.threshold(allowed), color="gray", linestyle="--", linewidth=1)
        axes.set(title=detector_name, xlabel="mean squared error of an image", ylabel="share of the images")
        axes.legend()
    return figure


def roc_figure(frame: pd.DataFrame, names: tuple[str, ...]) -> Figure:
    """The ROC curves for a paper."""
    figure = Figure((3.6, 3.4))
    axes = figure.subplots()
    for name in names:
        part = frame[frame["detector"] == name]
        axes.plot(part["false_alarms"], part["found"], label=name)
    axes.plot([0, 1], [0, 1], "--", color="gray", linewidth=1)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set(xlabel="false alarms, share of known images", ylabel="found, share of novel images")
    axes.legend(loc="lower right")
    return figure


def images_figure(found: Examined, order: np.ndarray) -> Figure:
    """The most and the least novel images with what came back below, for a paper."""
    figure = Figure((SHOWN * 0.6, 2.8))
    axes = figure.subplots(4, SHOWN)
    both = (order[::-1][:SHOWN], order[:SHOWN])
    rows = [(images, chosen) for chosen in both for images in (found.images, found.outputs)]
    for line, (images, chosen) in zip(axes, rows, strict=True):
        for axis, k in zip(line, chosen, strict=False):
            axis.imshow(images[k, ..., 0], cmap="gray", vmin=0, vmax=1)
        for axis in line:
            axis.axis("off")
    return figure
