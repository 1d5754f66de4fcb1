"""Charts of a layer's units: how weights and activations are spread, and how busy each unit is."""

import functools
from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
from matplotlib.figure import Figure

from pages.components.shared.vega import without_data

BINS = 80
HEIGHT = 320
DECADES = [10.0**-k for k in range(8)]
_LEGEND = alt.Legend(orient="top", columns=2, labelLimit=0, symbolType="stroke", symbolStrokeWidth=3)


def spread_frame(values: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Histograms of several runs on the same bins: columns run, value (middle of the bin), share; empty bins left out.

    Args:
        values: what is counted, by the run's title.
    """
    finite = {name: array[np.isfinite(array)].ravel() for name, array in values.items()}
    low = min((float(array.min()) for array in finite.values() if len(array)), default=0.0)
    high = max((float(array.max()) for array in finite.values() if len(array)), default=0.0)
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    frames = []
    for name, array in finite.items():
        shares = np.histogram(array, edges)[0] / max(1, len(array))
        kept = shares > 0  # there is no logarithm of nothing
        frames.append(pd.DataFrame({"run": name, "value": middles[kept], "share": shares[kept]}))
    return pd.concat(frames, ignore_index=True)


def spread_chart(key: str, frame: pd.DataFrame, runs: tuple[str, ...], title: str, description: str) -> None:
    """Draws histograms as lines, their shares on a logarithmic scale."""
    st.vega_lite_chart(frame, _spread_spec(runs, title), key=key, alt=description)


@functools.lru_cache(maxsize=64)
def _spread_spec(runs: tuple[str, ...], title: str) -> dict[str, Any]:
    chart = alt.Chart(alt.NamedData("spread")).mark_line(interpolate="step", clip=True)
    chart = chart.encode(
        alt.X("value:Q", title=title, axis=alt.Axis(format=".3~f")),
        alt.Y("share:Q", title="share", scale=alt.Scale(type="log"), axis=alt.Axis(values=DECADES, format=".4~g")),
        alt.Color("run:N", title=None, scale=alt.Scale(domain=list(runs)), legend=_LEGEND if len(runs) > 1 else None),
        tooltip=["run:N", alt.Tooltip("value:Q", format=".3~g"), alt.Tooltip("share:Q", format=".3~g")],
    )
    return without_data(chart.properties(height=HEIGHT))


def mean_frame(means: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Mean activation of each unit, the busiest first: columns run, rank, unit (from 1), mean."""
    frames = []
    for name, values in means.items():
        order = np.argsort(-values, kind="stable")
        frames.append(
            pd.DataFrame({"run": name, "rank": np.arange(1, len(order) + 1), "unit": order + 1, "mean": values[order]})
        )
    return pd.concat(frames, ignore_index=True)


def mean_chart(key: str, frame: pd.DataFrame, runs: tuple[str, ...], target: float | None) -> None:
    """Draws mean activations by rank, with the mean that a sparse run was asked for as a dashed line."""
    spec = _mean_spec(runs, target)
    st.vega_lite_chart(frame, spec, key=key, alt="Mean activation of each unit, the busiest first.")


@functools.lru_cache(maxsize=64)
def _mean_spec(runs: tuple[str, ...], target: float | None) -> dict[str, Any]:
    chart = alt.Chart(alt.NamedData("means")).mark_line(point=alt.OverlayMarkDef(size=14), clip=True)
    chart = chart.encode(
        alt.X("rank:Q", title="unit, by rank", axis=alt.Axis(format="d", tickMinStep=1)),
        alt.Y("mean:Q", title="mean activation ρ̂", axis=alt.Axis(format=".4~g", tickCount=6)),
        alt.Color("run:N", title=None, scale=alt.Scale(domain=list(runs)), legend=_LEGEND if len(runs) > 1 else None),
        tooltip=["run:N", "unit:Q", alt.Tooltip("mean:Q", format=".3~g")],
    )
    if target is None:
        return without_data(chart.properties(height=HEIGHT))
    rule = alt.Chart(alt.NamedData("means")).mark_rule(strokeDash=[6, 4]).encode(y=alt.datum(target))
    return without_data(alt.layer(chart, rule).properties(height=HEIGHT))


def unit_frame(values: np.ndarray, bins: int = 40) -> pd.DataFrame:
    """How often a unit does what: columns from, to and images."""
    counts, edges = np.histogram(values[np.isfinite(values)], bins)
    return pd.DataFrame({"from": edges[:-1], "to": edges[1:], "images": counts})


def unit_chart(key: str, frame: pd.DataFrame, description: str) -> None:
    """Draws a unit's histogram."""
    st.vega_lite_chart(frame, _unit_spec(), key=key, alt=description)


@functools.lru_cache(maxsize=1)
def _unit_spec() -> dict[str, Any]:
    chart = alt.Chart(alt.NamedData("unit")).mark_bar()
    chart = chart.encode(
        alt.X("from:Q", bin="binned", title="activation", axis=alt.Axis(format=".4~g", tickCount=8)),
        alt.X2("to:Q"),
        alt.Y("images:Q", title="images"),
        tooltip=[alt.Tooltip("from:Q", format=".3~g"), alt.Tooltip("to:Q", format=".3~g"), "images:Q"],
    )
    return without_data(chart.properties(height=220))


def lines(frame: pd.DataFrame, x: str, y: str, x_title: str, y_title: str, logarithmic: bool) -> Figure:
    """The lines of a frame, one for each run, for a paper."""
    figure = Figure(figsize=(4.5, 3))
    axes = figure.subplots()
    for name, rows in frame.groupby("run", sort=False):
        axes.plot(rows[x], rows[y], label=str(name), drawstyle="steps-mid" if logarithmic else "default")
    axes.set(xlabel=x_title, ylabel=y_title, yscale="log" if logarithmic else "linear")
    axes.legend(frameon=False)
    return figure


def bars(frame: pd.DataFrame, title: str) -> Figure:
    """A unit's histogram, for a paper."""
    figure = Figure(figsize=(4.5, 2.5))
    axes = figure.subplots()
    axes.bar(frame["from"], frame["images"], frame["to"] - frame["from"], align="edge")
    axes.set(xlabel="activation", ylabel="images", title=title)
    return figure
