"""Held-out sentences in the plane, coloured by topic."""

import functools
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
from matplotlib.figure import Figure

from aecore.explore.sentences import CODES, LATENT, MEANS, REPRESENTATIONS, Map
from aecore.service import Service
from aecore.store.views import RunView
from pages.components.shared.charts import KEEP_ZOOM, ZOOM
from pages.components.shared.export import downloads
from pages.components.shared.vega import without_data

PRINCIPAL, EMBEDDING = "PCA", "t-SNE"
SHORT = 160  # characters of a sentence that are shown at a point


def sentence_map(service: Service, run: RunView) -> None:
    """Draws the map with its choices."""
    st.header("Map of the sentences", anchor=False)
    row = st.container(horizontal=True, vertical_alignment="bottom")
    method = row.segmented_control(
        "Laid out by", [PRINCIPAL, EMBEDDING], default=PRINCIPAL, required=True, key="layout", bind="query-params",
        persist_state="page", help="t-SNE takes ten seconds or more.",
    )  # fmt: skip
    names = [CODES, MEANS, *([LATENT] if service.sentences.reader(run.id).latent is not None else [])]
    titles = [REPRESENTATIONS[name] for name in names]
    title = row.selectbox("Representation", titles, key="representation", bind="query-params",
                          persist_state="page", width=260)  # fmt: skip
    embedded = method == EMBEDDING
    with st.spinner("Laying out the sentences; t-SNE takes ten seconds or more.", show_time=True):
        found = service.sentences.map(run.id, embedded, names[titles.index(title)])
    if found is None:
        st.info("The map appears with the first step of the training.")
        return
    frame = points(found)
    caption = f"{len(frame):,} held-out sentences by {method} of the {title.lower()}, coloured by topic."
    key = f"map-{run.id}-{method}-{title}"
    st.vega_lite_chart(frame, _spec(tuple(found.names), _axes(found), found.texts is not None), key=key, alt=caption,
                       **KEEP_ZOOM)  # fmt: skip
    hover = "Rest on a point to read its sentence." if found.texts is not None else (
        f"The sentences of {run.config.dataset} are not on this machine: rest on a point to read its topic."
    )  # fmt: skip
    st.caption(
        f"{caption} {hover} Drag to move, scroll to zoom. No topic was used in training: look whether a colour keeps "
        "to one place, and whether it does so as well with the baselines."
    )
    downloads(f"sentence-map-{run.id}", lambda: _print_figure(found), lambda: frame)


def points(found: Map) -> pd.DataFrame:
    """Columns x, y, topic, and sentence where the corpus is here."""
    frame = pd.DataFrame(found.places.astype(np.float64), columns=["x", "y"])
    frame["topic"] = [found.names[label] for label in found.labels.tolist()]
    if found.texts is not None:
        frame["sentence"] = [text if len(text) <= SHORT else f"{text[:SHORT]}…" for text in found.texts]
    order = np.argsort(found.labels == len(found.names) - 1, kind="stable")[
        ::-1
    ]  # those without a colour's topic first
    return frame.iloc[order]


def _axes(found: Map) -> tuple[str, str]:
    if not found.shares:
        return "t-SNE 1", "t-SNE 2"
    shares = [*found.shares, 0.0][:2]
    return f"first principal component ({shares[0]:.0%})", f"second principal component ({shares[1]:.0%})"


@functools.lru_cache(maxsize=32)
def _spec(names: tuple[str, ...], axes: tuple[str, str], sentences: bool) -> dict[str, Any]:
    legend = alt.Legend(orient="bottom", columns=3, labelLimit=110)
    scale, axis = alt.Scale(zero=False), alt.Axis(tickCount=6)
    others = alt.condition(alt.datum.topic == names[-1], alt.value(0.25), alt.value(0.8))
    chart = alt.Chart(alt.NamedData("points")).mark_circle(size=30)
    chart = chart.encode(
        alt.X("x:Q", title=axes[0], scale=scale, axis=axis),
        alt.Y("y:Q", title=axes[1], scale=scale, axis=axis),
        alt.Color("topic:N", title=None, scale=alt.Scale(domain=list(names)), legend=legend),
        opacity=others,
        tooltip=[*(["sentence:N"] if sentences else []), "topic:N"],
    )
    return without_data(chart.properties(height=460).interactive(name=ZOOM))


def _print_figure(found: Map) -> Figure:
    made = Figure(figsize=(4.5, 4.6))
    axes = made.add_subplot()
    colours = st.get_option("theme.light.chartCategoricalColors")
    for topic, name in enumerate(found.names):
        own = found.places[found.labels == topic]
        axes.scatter(*own.T, s=4, linewidths=0, alpha=0.75, color=colours[topic % len(colours)], label=name)
    axes.set(xlabel=_axes(found)[0], ylabel=_axes(found)[1])
    made.legend(loc="outside lower center", ncols=5, markerscale=2, frameon=False, fontsize=7)
    return made
