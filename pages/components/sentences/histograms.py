"""How alike a sentence and its reconstruction are in the code, beside the controls that say what that is worth."""

import functools
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
from matplotlib.figure import Figure

from aecore.service import Service
from aecore.store.views import RunView
from pages.components.shared.export import downloads
from pages.components.shared.vega import without_data

SERIES = {
    "own": "a sentence and its reconstruction",
    "random": "control: two sentences at random",
    "document": "control: two sentences of one document",
    "untrained": "untrained encoder: its reconstruction",
    "untrained_random": "untrained encoder: two at random",
}
SHORT = {
    "own": "reconstruction", "random": "random", "document": "same document", "untrained": "reconstruction, untrained",
    "untrained_random": "random, untrained",
}  # fmt: skip
FILLED = ("own", "random")
BINS, FAR = 60, 0.002  # bars, and the share of the lowest cosines that they need not reach
FIRST = 10
DASHES = {"own": [1, 0], "random": [1, 0], "document": [6, 3], "untrained": [2, 2], "untrained_random": [8, 3, 2, 3]}


def histograms(service: Service, run: RunView) -> None:
    """Draws the textbook's measure and its controls in one picture."""
    st.header("Is a code worth its similarity?", anchor=False)
    cosines = {
        name: held for name, held in service.sentences.similarity(run.id).items() if name in SERIES and len(held)
    }
    if not cosines:
        st.info("The similarities are measured when the run ends; the other views can be used already.")
        return
    if not all(np.isfinite(held).all() for held in cosines.values()):
        st.warning("The codes are not numbers, for the training diverged: there is nothing to measure.")
        return
    _figures(run, cosines)
    frame = shares(cosines)
    description = (
        f"Histograms of {len(cosines)} samples of cosines between codes: {', '.join(cosines_titles(cosines))}."
    )
    st.vega_lite_chart(frame, _spec(tuple(cosines), frame["cosine"].min()), key=f"similarity-{run.id}", alt=description)
    st.caption(
        f"The textbook's measure, filled in the first colour: the code of each of {len(cosines['own'])} held-out "
        "sentences against the code of what the model makes of it. Filled in the second colour: the same sentences "
        "against others. Only where the two lie apart does a high cosine mean anything; look also whether the "
        "untrained encoder, which has learnt nothing, does as well."
    )
    downloads(f"similarity-{run.id}", lambda: _print_figure(cosines), lambda: listed(cosines))
    st.subheader("The first values", anchor=False)
    st.dataframe(listed(cosines).head(FIRST).style.format("{:.4f}", subset=[SHORT[name] for name in cosines]),
                 hide_index=True)  # fmt: skip
    st.caption(
        "A row for each held-out sentence, in the order in which they were drawn; the pairs of one document are "
        "others. The CSV has all values."
    )


def _figures(run: RunView, cosines: dict[str, np.ndarray]) -> None:
    means = {name: float(held.mean()) for name, held in cosines.items()}
    area, untrained = run.metrics.get("separation_auc"), run.metrics.get("untrained_auc")
    row = st.columns(4)
    row[0].metric("Sentence and reconstruction", f"{means['own']:.3f}", help="Mean cosine of their codes.")
    row[1].metric("Two random sentences", f"{means['random']:.3f}", help="Mean cosine of their codes.")
    row[2].metric("Separation (ROC area)", _figure(area), help="Area under the ROC curve that tells reconstructions "
                  "from random pairs by their cosine: 0.5 is chance, 1 is perfect.")  # fmt: skip
    row[3].metric("Separation, untrained", _figure(untrained), help="The same, read by an encoder that has learnt "
                  "nothing: what is not above this is not learnt.")  # fmt: skip
    if area is not None:
        st.markdown(verdict(means, area, untrained))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def verdict(means: dict[str, float], area: float, untrained: float | None) -> str:
    """What the metrics say, in words.

    Args:
        means: mean cosines by name.
        area: under the ROC curve; it is the share of comparisons in which the reconstruction is the nearer one.
        untrained: the same with an untrained encoder.
    """
    parts = [
        f"A mean cosine of **{means['own']:.3f}** by itself says little: two random sentences reach "
        f"**{means['random']:.3f}**. Of a reconstruction and a random pair, the reconstruction is the closer one in "
        f"**{area:.1%}** of all comparisons (50% would be chance)."
    ]
    if untrained is not None:
        beyond = "more than" if area > untrained else "no more than"
        parts.append(f"That is {beyond} an untrained encoder's {untrained:.1%}.")
    if means.get("document", -1.0) >= means["own"]:
        parts.append("Two sentences of one document are as close as a sentence and its reconstruction: what comes "
                     "back is not the sentence.")  # fmt: skip
    return " ".join(parts)


def shares(cosines: dict[str, np.ndarray]) -> pd.DataFrame:
    """Histograms in long form: where a bin begins, the share of the sample in it, and the series."""
    edges, found = bins(cosines), []
    for name, held in cosines.items():
        counts = np.histogram(np.clip(held, edges[0], 1), edges)[0] / len(held)
        # The last bin's end, so that its step is drawn.
        found.append(pd.DataFrame({"cosine": edges, "share": np.append(counts, counts[-1]), "series": SERIES[name]}))
    return pd.concat(found)


def bins(cosines: dict[str, np.ndarray]) -> np.ndarray:
    """Edges float64 [bars + 1] from about the lowest cosine to 1; what lies below is counted in the first bar."""
    lowest = min(float(np.quantile(held, FAR)) for held in cosines.values())
    return np.linspace(max(-1.0, np.floor(10 * lowest) / 10), 1, BINS + 1)


def cosines_titles(cosines: dict[str, np.ndarray]) -> list[str]:
    """How the samples are called, in their order."""
    return [SERIES[name] for name in SERIES if name in cosines]


def listed(cosines: dict[str, np.ndarray]) -> pd.DataFrame:
    """The cosines, a row for each sentence; samples of fewer pairs end earlier."""
    columns = {SHORT[name]: pd.Series(cosines[name].astype(np.float64)) for name in SHORT if name in cosines}
    table = pd.DataFrame(columns)
    table.insert(0, "sentence", np.arange(1, len(table) + 1))
    return table


@functools.lru_cache(maxsize=8)
def _spec(names: tuple[str, ...], lowest: float) -> dict[str, Any]:
    titles = [SERIES[name] for name in SERIES if name in names]
    legend = alt.Legend(orient="bottom", columns=1, labelLimit=0, symbolType="stroke", symbolStrokeWidth=3)
    colour = alt.Color("series:N", title=None, scale=alt.Scale(domain=titles), legend=legend)
    dashes = alt.Scale(domain=titles, range=[DASHES[name] for name in SERIES if name in names])
    x = alt.X("cosine:Q", title="cosine of two codes", axis=alt.Axis(tickCount=10),
              scale=alt.Scale(domain=[lowest, 1], nice=False))  # fmt: skip
    y = alt.Y("share:Q", title="share of the pairs", axis=alt.Axis(format="%"))
    base = alt.Chart(alt.NamedData("shares")).encode(x, y, colour)
    filled = " || ".join(f"datum.series == '{SERIES[name]}'" for name in FILLED)
    areas = base.transform_filter(filled).mark_area(interpolate="step-after", opacity=0.35)
    areas = areas.encode(y=alt.Y("share:Q", stack=None))
    lines = base.mark_line(interpolate="step-after", strokeWidth=1.5).encode(
        strokeDash=alt.StrokeDash("series:N", title=None, scale=dashes, legend=legend),
        tooltip=["series:N", alt.Tooltip("cosine:Q", format=".3f"), alt.Tooltip("share:Q", format=".1%")],
    )
    return without_data(alt.layer(areas, lines).properties(height=440))


def _print_figure(cosines: dict[str, np.ndarray]) -> Figure:
    made = Figure(figsize=(5.5, 3.6))
    axes = made.add_subplot()
    colours, edges = st.get_option("theme.light.chartCategoricalColors"), bins(cosines).tolist()
    for k, (name, title) in enumerate(SERIES.items()):
        if name not in cosines:
            continue
        held = np.clip(cosines[name], edges[0], 1)
        weights = np.full(len(held), 1 / len(held))
        line = "solid" if name in FILLED else "dashed" if name == "document" else "dotted"
        label = f"{title} (mean {cosines[name].mean():.3f})"
        if name in FILLED:
            axes.hist(held, edges, weights=weights, color=colours[k], alpha=0.35)
        axes.hist(held, edges, weights=weights, color=colours[k], histtype="step", linestyle=line, label=label)
    axes.set(xlabel="cosine of two codes", ylabel="share of the pairs", xlim=(edges[0], 1))
    made.legend(loc="outside lower center", frameon=False, fontsize=7)
    return made
