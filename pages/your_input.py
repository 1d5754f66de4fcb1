"""Your input: a digit of the visitor's own through every model, clean or corrupted, beside methods without training."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st
from matplotlib.figure import Figure

from aecore.explore.inputs import BASELINES, MEANS, MEDIAN, PCA, noise_std, quality
from aecore.service import Service
from aecore.store.views import RunView
from pages.components.shared import pictures, query_parameters
from pages.components.shared.export import downloads
from pages.components.shared.runs import explorable, run_label
from pages.components.shared.session import get_service, show_errors
from pages.components.your_input.digit import chosen_digit
from pages.components.your_input.sweep import Noise, sweep

NOISES = {"none": "none", "Gaussian": "gaussian", "masking": "masking", "salt and pepper": "salt_and_pepper"}
FIRST_RUNS = ("denoising", "convolutional-denoising", "vanilla")
MOST_RUNS = 6
TILE = 138
WAIT = "Asking the models; the worker takes about ten seconds to start the first time…"


class Result(NamedTuple):
    """What came back: image float32 [28, 28, 1], PSNR in dB and SSIM against the clean input."""

    name: str
    image: np.ndarray
    psnr: float
    ssim: float


def page() -> None:
    """Draws the page."""
    service = get_service()
    st.title("Your input, through every model", anchor=False)
    st.markdown(
        "Give the models a digit of your own, spoil it, and see what each of them makes of it, beside three methods "
        "that are no networks. Look for what a model repairs, and for what it invents."
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.header("Input", anchor=False)
        digit = chosen_digit(service)
    with right:
        st.header("Corruption", anchor=False)
        chosen = _corruption()
        st.header("Models", anchor=False)
        runs = _chosen_runs(service)
        components = st.slider("PCA's code size", 1, 200, 64, key="components", bind="query-params",
                               help="How many principal components the linear baseline keeps.")  # fmt: skip
    with show_errors():
        noise = service.inputs.noise(chosen.noise_type, chosen.strength, chosen.mean, chosen.clip)
        if digit is not None:
            corrupted = service.inputs.corrupted(digit[None], noise, chosen.seed)[0]
            st.header("Side by side", anchor=False)
            _side_by_side(service, digit, corrupted, runs, components)
        st.header("From no noise to nothing but noise", anchor=False)
        sweep(service, digit, chosen, runs, components)


def _corruption() -> Noise:
    """Draws the choice of the noise."""
    title = st.segmented_control("Noise", list(NOISES), default="Gaussian", key="noise", required=True,
                                 bind="query-params",
                                help="Gaussian noise is added to each pixel; masking switches pixels off; salt and "
                                "pepper sets them to black or white.")  # fmt: skip
    noise_type = NOISES[title or "none"]
    strength, mean, clip, seed = 0.5, 0.0, True, 0
    if noise_type == "gaussian":
        strength = st.slider("Standard deviation, in units of full white", 0.0, 1.0, 0.5, 0.05, key="std",
                             bind="query-params", persist_state="page")  # fmt: skip
        row = st.container(horizontal=True, vertical_alignment="bottom")
        mean = row.number_input("Mean", -1.0, 1.0, 0.0, 0.05, key="mean", bind="query-params", width=130,
                                persist_state="page")  # fmt: skip
        seed = _seed(row)
        clip = row.checkbox("Clip to [0, 1]", True, key="clip", bind="query-params", persist_state="page",
                            help="Whether noisy pixels are cut back to the range of real ones.")  # fmt: skip
    elif noise_type != "none":
        strength = st.slider("Share of pixels hit", 0.0, 1.0, 0.3, 0.05, key="share", bind="query-params",
                             persist_state="page")  # fmt: skip
        seed = _seed(st.container(horizontal=True))
    return Noise(noise_type, strength, mean, clip, seed)


def _seed(row) -> int:
    return int(row.number_input("Seed", 0, 9999, 0, key="seed", bind="query-params", width=130, persist_state="page",
                                help="Another seed draws other noise of the same kind."))  # fmt: skip


def _chosen_runs(service: Service) -> dict[str, RunView]:
    """Draws the choice of up to six runs and mirrors it."""
    every: dict[str, RunView] = {}
    with show_errors():
        every = explorable(service, lambda run: run.config.hyper.modality == "images")
    if not every:
        st.info("There is no model yet: the baselines are shown alone. Train one first.", icon=":material/info:")
        st.page_link("pages/train.py", label="Train a model", icon=":material/play_arrow:")
        return {}
    state = st.session_state

    def read(asked: str) -> list[str]:
        names = asked.split(",") if asked else []
        missing = [name for name in names if name not in every]
        if missing:
            st.error(f"The run '{missing[0][:60]}' cannot be shown here: it does not exist, has learnt nothing yet, or "
                     "does not read images. Choose from the list.")  # fmt: skip
        return [name for name in dict.fromkeys(names) if name in every][:MOST_RUNS]

    query_parameters.take("runs", read)
    if "chosen_runs" not in state:
        state["chosen_runs"] = [name for name in FIRST_RUNS if name in every] or list(every)[:3]
    state["chosen_runs"] = [name for name in state["chosen_runs"] if name in every]
    chosen = st.multiselect("Runs, at most six", list(every), key="chosen_runs", max_selections=MOST_RUNS,
                            persist_state="session", format_func=lambda name: run_label(every[name]))  # fmt: skip
    query_parameters.mirror("runs", ",".join(chosen))
    return {name: every[name] for name in chosen}


def _side_by_side(
    service: Service, digit: np.ndarray, corrupted: np.ndarray, runs: dict[str, RunView], components: int
) -> None:
    dataset = next((run.config.dataset for run in runs.values()), "mnist")
    clean = digit[None]
    results = [Result("what they are shown", np.clip(corrupted, 0, 1), *quality(clean, np.clip(corrupted, 0, 1)[None]))]
    with st.spinner(WAIT):
        for name, run in runs.items():
            with show_errors():
                found = _reconstructed(service, name, run.weights_version, corrupted)
                results.append(Result(name, found, *quality(clean, found[None])))
        line = service.inputs.line(dataset)
        for name in BASELINES:
            found = service.inputs.baseline(name, clean, corrupted[None], line, components)[0]
            results.append(Result(name, found, *quality(clean, found[None])))
    best = max(results[1:], key=lambda result: result.psnr)
    row = st.container(horizontal=True)
    _tile(row, "clean input", digit, "The original, which the figures compare with.")
    for result in results:
        caption = f"PSNR {result.psnr:.1f} dB · SSIM {result.ssim:.2f}" + (" · closest" if result is best else "")
        _tile(row, result.name, result.image, caption)
    sigma = noise_std(clean, corrupted[None])
    st.caption(
        "PSNR (higher is closer to the clean input, pixel by pixel) and SSIM (1 is the same structure) against the "
        f"clean input. {PCA}: {components} components of {line.images:,} training images of {line.dataset}"
        + ("" if line.dataset == dataset else f", as {dataset} is not on this machine")
        + f"; {MEDIAN} over 3×3 pixels; {MEANS} are told σ = {sigma:.2f}, the standard deviation of what the "
        "corruption did. A model that was trained on clean digits copies noise as far as its code lets it."
    )
    downloads("your-input", lambda: _figure(digit, results), lambda: _table(results))


def _tile(row, name: str, image: np.ndarray, caption: str) -> None:
    tile = row.container(width=TILE, gap="small")
    tile.image(pictures.mosaic([image[None, ..., 0]], 5), width=TILE - 10, alt=f"{name}: {caption}")
    tile.markdown(f"**{name}**")
    tile.caption(caption)


@st.cache_data(show_spinner=False, max_entries=256)
def _reconstructed(_service: Service, name: str, version: str, corrupted: np.ndarray) -> np.ndarray:
    del version  # the run may have learnt more
    return _service.inputs.reconstructed(name, corrupted[None])[0]


def _figure(digit: np.ndarray, results: list[Result]) -> Figure:
    figure = Figure((1.1 * (len(results) + 1), 1.6))
    axes = figure.subplots(1, len(results) + 1)
    for axis, (name, image) in zip(axes, [("clean input", digit), *((r.name, r.image) for r in results)], strict=True):
        axis.imshow(image[..., 0], cmap="gray", vmin=0, vmax=1)
        axis.set_title(name, fontsize=6)
        axis.axis("off")
    for axis, result in zip(axes[1:], results, strict=True):
        axis.text(0.5, -0.06, f"{result.psnr:.1f} dB, {result.ssim:.2f}", fontsize=6, ha="center", va="top",
                  transform=axis.transAxes)  # fmt: skip
    return figure


def _table(results: list[Result]) -> pd.DataFrame:
    return pd.DataFrame([(r.name, r.psnr, r.ssim) for r in results], columns=["method", "psnr_db", "ssim"])


page()
