"""Noise of every strength against the quality of what comes back, for runs and baselines: curves on fixed axes."""

import functools
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
from matplotlib.figure import Figure

from aecore.explore.inputs import BASELINES, SWEPT_DRAWS, SWEPT_IMAGES
from aecore.service import Service
from aecore.store.views import RunView
from pages.components.shared.export import downloads
from pages.components.shared.session import show_errors
from pages.components.shared.vega import without_data

LOWEST, HIGHEST, HEIGHT = 0, 50, 480  # dB, dB, pixels
OWN = "your input"
AXES = {
    "gaussian": "standard deviation of the noise, in units of full white",
    "masking": "share of pixels switched off",
    "salt_and_pepper": "share of pixels set to black or white",
}


class Noise(NamedTuple):
    """The visitor's choice of a corruption: `strength` is a standard deviation or a share of pixels."""

    noise_type: str
    strength: float
    mean: float = 0.0
    clip: bool = True
    seed: int = 0


def sweep(
    service: Service, digit: np.ndarray | None, noise: Noise, runs: Mapping[str, RunView], components: int
) -> None:
    """Draws the button, and the curves once they were computed.

    Args:
        service: the back end.
        digit: the visitor's, float32 [28, 28, 1], if there is one.
        noise: what is swept over; its strength does not count.
        runs: what is compared.
        components: PCA's.
    """
    dataset = next((run.config.dataset for run in runs.values()), "mnist")
    here = [status.name for status in service.data.datasets() if status.available]
    # Other held-out images than those of the runs' dataset would not be fair to them.
    choices = [dataset, OWN, *(name for name in here if name != dataset)] if dataset in here else [OWN, *here]
    over = st.selectbox("Measured on", choices, key="over", bind="query-params", width=260,
                        help=f"{SWEPT_IMAGES} held-out images, or {SWEPT_DRAWS} draws of noise on yours.")  # fmt: skip
    if over == OWN and digit is None:
        st.caption("Draw, upload or choose a digit above: the sweep is measured on it.")
        return
    images = digit if over == OWN else None
    weights = tuple((name, run.weights_version) for name, run in runs.items())
    noise_type = noise.noise_type if noise.noise_type != "none" else "gaussian"
    noise = noise._replace(noise_type=noise_type, strength=0.0)
    key = (over, noise, weights, components, dataset, None if images is None else images.tobytes())
    state = st.session_state
    if st.button("Run the sweep", icon=":material/ssid_chart:", key="sweep"):
        with show_errors():
            bar = st.progress(0.0, text="Starting; the worker takes about ten seconds the first time")

            def progress(share: float, what: str) -> None:
                bar.progress(share, text=f"Nine strengths through {what}" if what else "Done")

            clean = (
                service.inputs.swept_images(over) if images is None else np.repeat(images[None], SWEPT_DRAWS, axis=0)
            )
            points = service.inputs.sweep(clean, noise_type, noise.seed, list(runs), service.inputs.line(dataset),
                                          components, progress, noise.mean, noise.clip)  # fmt: skip
            bar.empty()
            kept = {key: pd.DataFrame([asdict(point) for point in points]), **state.get("sweeps", {})}
            state["sweeps"] = dict(list(kept.items())[:8])
    frame = state.get("sweeps", {}).get(key)
    if frame is None:
        st.caption(f"Nine strengths from 0 to 1 of the noise “{noise_type.replace('_', ' ')}”, the runs chosen above "
                   "and the baselines: press the button to compute the curves.")  # fmt: skip
        return
    _draw(frame, tuple(runs), noise, over)
    if over not in (OWN, dataset):
        st.caption(f"These runs were trained on {dataset}, whose images look otherwise than those of {over}: on their "
                   "own they do better. Your input, scaled as MNIST was, is fairer to them.")  # fmt: skip


def _draw(frame: pd.DataFrame, runs: tuple[str, ...], noise: Noise, over: str) -> None:
    names, title = (*runs, *BASELINES), AXES[noise.noise_type]
    st.vega_lite_chart(frame, _spec(names, title), key="sweep-chart", width="stretch",
                       alt=f"PSNR of {', '.join(names)} against the strength of the noise from 0 to 1.")  # fmt: skip
    what = f"the mean over {SWEPT_DRAWS} draws of noise on your input" if over == OWN else (
        f"the mean over {SWEPT_IMAGES} held-out images of {over}")  # fmt: skip
    st.caption(
        f"Higher is closer to the clean input: each point is {what}{_caption(noise)}. Where a line crosses another, "
        "the better choice changes: models that learnt on noise pay for it on clean input and win where there is much. "
        "Non-local means are told the noise's strength, the models are not. "
        f"Lines are cut off above {HIGHEST} dB, which is nearly a copy."
    )
    downloads("sweep", lambda: _figure(frame, names, title), lambda: frame)


def _caption(noise: Noise) -> str:
    if noise.noise_type != "gaussian" or (noise.mean == 0 and noise.clip):
        return ""
    return f", with noise of mean {noise.mean:g}, {'' if noise.clip else 'not '}clipped"


@functools.lru_cache(maxsize=32)
def _spec(names: tuple[str, ...], title: str) -> dict[str, Any]:
    """Curves whose axes are the same for every noise and choice, so that pictures can be compared."""
    legend = alt.Legend(orient="bottom", columns=2, labelLimit=0, symbolType="stroke", symbolStrokeWidth=3)
    dashes = [[1, 0] if name not in BASELINES else [5, 3] for name in names]
    chart = alt.Chart(alt.NamedData("sweep")).mark_line(point=alt.OverlayMarkDef(size=30), clip=True)
    chart = chart.encode(
        alt.X("strength:Q", title=title, scale=alt.Scale(domain=[0, 1], nice=False)),
        alt.Y("psnr:Q", title="PSNR, dB", scale=alt.Scale(domain=[LOWEST, HIGHEST], nice=False)),
        alt.Color("method:N", title=None, scale=alt.Scale(domain=list(names)), legend=legend),
        alt.StrokeDash("method:N", title=None, scale=alt.Scale(domain=list(names), range=dashes), legend=legend),
        tooltip=[
            "method:N",
            "strength:Q",
            alt.Tooltip("psnr:Q", format=".2f", title="PSNR, dB"),
            alt.Tooltip("ssim:Q", format=".3f", title="SSIM"),
        ],
    )
    return without_data(chart.properties(height=HEIGHT))


def _figure(frame: pd.DataFrame, names: tuple[str, ...], title: str) -> Figure:
    figure = Figure((5.2, 3.4))
    axes = figure.subplots()
    for name in names:
        part = frame[frame["method"] == name]
        axes.plot(
            part["strength"], part["psnr"], "--" if name in BASELINES else "-", marker="o", markersize=3, label=name
        )
    axes.set(xlabel=title, ylabel="PSNR, dB", xlim=(0, 1), ylim=(LOWEST, HIGHEST))
    axes.legend(fontsize=7)
    return figure
