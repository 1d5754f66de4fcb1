"""Novelty: a class left out of training, told from the others by how badly it is reconstructed."""

import numpy as np
import pandas as pd
import streamlit as st

from aecore.explore.novelty import MOST_COMPONENTS, TRAINABLE, Detector, Examined
from aecore.service import Service
from aecore.store.views import RunView
from pages.components.novelty.charts import (
    SHOWN,
    draw_histogram,
    draw_roc,
    histogram_figure,
    images_figure,
    roc_figure,
    roc_frame,
)
from pages.components.shared import pictures, query_parameters
from pages.components.shared.export import downloads
from pages.components.shared.redrawing import redraw
from pages.components.shared.runs import choose_run, explorable
from pages.components.shared.session import get_service, show_errors

MODEL, PCA = "this run", "PCA"
FEW = 100
WAIT = "Asking the model; the worker takes about ten seconds to start the first time…"


def page() -> None:
    """Draws the page."""
    service = get_service()
    st.title("Novelty", anchor=False)
    st.markdown(
        "An autoencoder is good at what it was trained on. Leave one class out, and its images come back worse than "
        "the others: the *reconstruction error is a detector of what is new* (Japkowicz, Myers and Gluck, 1995). No "
        "label and no novel image is needed to make it."
    )
    runs: dict[str, RunView] = {}
    with show_errors():
        runs = explorable(service, service.novelty.suits)
    if not runs:
        st.info("No run on this machine has a class left out: train a small one here, or choose “Class left out” "
                "under “Run” on the Train page.", icon=":material/troubleshoot:")  # fmt: skip
    with st.expander("Train a small run with a class left out", expanded=not runs, icon=":material/model_training:"):
        _training(service)
    if runs:
        run = choose_run(runs)
        if run is not None:
            with show_errors():
                _show(service, run)


def _training(service: Service) -> None:
    """The button, and how far runs of this kind are."""
    here = [status.name for status in service.data.datasets() if status.available]
    row = st.container(horizontal=True, vertical_alignment="bottom")
    dataset = row.selectbox("Dataset", here, here.index("mnist") if "mnist" in here else 0, key="on",
                            bind="query-params", width=180)  # fmt: skip
    variant = row.selectbox("Variant", TRAINABLE, key="by", bind="query-params", width=180)
    classes = service.data.classes(dataset)
    label = row.selectbox("Class left out", [str(k) for k in range(len(classes))], 8, key="without",
                          bind="query-params", width=180)  # fmt: skip
    if classes[int(label)] != label:
        row.markdown(classes[int(label)])
    if st.button("Train without this class", type="primary", icon=":material/play_arrow:", key="train-novelty"):
        with show_errors():
            st.session_state["novelty_run"] = service.runs.train(service.novelty.config(variant, dataset, label))

    def draw(active: list[RunView]) -> None:
        for run in active:
            share = min(1.0, run.position / max(1, run.total_epochs))
            what = f"{run.config.hyper.title} on {run.config.dataset} without class {run.config.image_hyper.left_out}"
            stage = "measuring" if run.stage == "scoring" else f"epoch {run.position:.0f} of {run.total_epochs}"
            st.progress(share, text=f"{what}: {stage if run.position else 'starting; the worker takes ten seconds'}")

    redraw(lambda: _active(service), lambda active: [run.id for run in active], draw)
    started = st.session_state.get("novelty_run")
    if started and started not in [run.id for run in _active(service)]:
        with show_errors():
            del st.session_state["novelty_run"]
            ended = service.runs.run(started)
            if ended.status == "finished":
                query_parameters.write({"run": started})
            else:
                st.error(f"The run {started} ended early ({ended.status}). {ended.message}".strip())


def _active(service: Service) -> list[RunView]:
    return [run for run in service.runs.all() if run.active and service.novelty.suits(run)]


def _show(service: Service, run: RunView) -> None:
    with st.spinner(WAIT):
        found = _examined(service, run.id, run.weights_version)
    name = service.data.classes(run.config.dataset)[found.left_out]
    novel, all_ = int(found.detector.novel.sum()), len(found.labels)
    left, right = st.columns(2)
    with left:
        components = _components(run)
    allowed = right.slider(
        "Threshold: known images that may raise a false alarm", 0, 50, 5, format="%d%%", key="allowed",
        bind="query-params", help="Moves the threshold of both detectors; the lower it is, the more is let through.",
    )  # fmt: skip
    pca, fitted = _linear(service, run.id, components)
    detectors = {MODEL: found.detector, PCA: pca}
    title = {MODEL: f"{MODEL} (area {found.detector.area:.3f})", PCA: f"{PCA} (area {pca.area:.3f})"}
    few = f" With no more than {novel} images of the class, small differences mean nothing." if novel < FEW else ""
    own = run.config.hyper
    st.markdown(
        f"Class **{name}** was left out of {run.config.dataset}: {novel:,} of {all_:,} held-out images are new to the "
        f"model. Area under the ROC curve: {_area(found.detector)} for {own.title.lower()} with a code of "
        f"{own.code_units}, {_area(pca)} for PCA with {components} components fitted on {fitted:,} of the same "
        f"training images; 0.5 is chance; in brackets the standard error.{few}"
    )
    left, right = st.columns(2)
    with left:
        st.header("Reconstruction error", anchor=False)
        for detector_name, detector in detectors.items():
            st.caption(f"**{detector_name}**")
            draw_histogram(detector_name, detector, detector.threshold(allowed / 100))
        st.caption("How many images of each kind have which mean squared error, as a share of the kind. The less they "
                   "overlap, the better; what lies right of the dashed threshold raises an alarm.")  # fmt: skip
        downloads("novelty-errors", lambda: histogram_figure(detectors, allowed / 100),
                  lambda: _errors_table(found, pca))  # fmt: skip
    with right:
        st.header("ROC curve", anchor=False)
        frame = roc_frame(detectors, title)
        draw_roc(frame, tuple(title.values()))
        st.caption("Every threshold at once: novel images found against false alarms among known ones. The nearer to "
                   "the upper left corner, the better; the diagonal is chance.")  # fmt: skip
        downloads("novelty-roc", lambda: roc_figure(frame, tuple(title.values())), lambda: frame)
    st.header("At this threshold", anchor=False)
    st.table(_confusion(detectors, allowed / 100))
    st.caption("Hits and misses are images of the class left out; false alarms and passed are those of the others.")
    _extremes(service, run, found)


def _area(detector: Detector) -> str:
    return f"**{detector.area:.3f}** (± {detector.uncertainty:.3f})"


def _components(run: RunView) -> int:
    """Draws the choice of PCA's code size, at first the run's."""
    state, usual = st.session_state, min(run.config.hyper.code_units, MOST_COMPONENTS)
    if state.get("pca_run") != run.id:
        state["pca_run"], state["chosen_pca"] = run.id, usual
    query_parameters.take("pca", query_parameters.whole(MOST_COMPONENTS), f"pca takes a whole number from 1 to "
                          f"{MOST_COMPONENTS}; received '{{}}'.")  # fmt: skip
    components = st.slider("PCA's code size", 1, MOST_COMPONENTS, key="chosen_pca",
                           help="At first the run's own; PCA is fitted on the run's training images.")  # fmt: skip
    query_parameters.mirror("pca", str(components), str(usual))
    return components


@st.cache_data(show_spinner=False, max_entries=4)
def _examined(_service: Service, name: str, version: str) -> Examined:
    del version  # the run may have learnt more
    return _service.novelty.examine(name)


@st.cache_data(show_spinner="Fitting PCA…", max_entries=32)
def _linear(_service: Service, name: str, components: int) -> tuple[Detector, int]:
    return _service.novelty.linear(_service.runs.run(name).config, components)


def _confusion(detectors: dict[str, Detector], allowed: float) -> pd.DataFrame:
    rows = {}
    for detector_name, detector in detectors.items():
        threshold = detector.threshold(allowed)
        counts = detector.confusion(threshold)
        alarms = counts["hits"] + counts["false_alarms"]
        rows[detector_name] = {
            "threshold": f"{threshold:.4f}", "hits": f"{counts['hits']:,}", "missed": f"{counts['missed']:,}",
            "false alarms": f"{counts['false_alarms']:,}", "passed": f"{counts['passed']:,}",
            "of the novel, found": f"{counts['hits'] / max(1, counts['hits'] + counts['missed']):.1%}",
            "of the alarms, right": f"{counts['hits'] / alarms:.1%}" if alarms else "no alarm",
        }  # fmt: skip
    return pd.DataFrame(rows)


def _extremes(service: Service, run: RunView, found: Examined) -> None:
    st.header("The most and the least novel", anchor=False)
    order = np.argsort(found.detector.errors, kind="stable")
    classes = service.data.classes(run.config.dataset)
    for title, chosen in (("Most novel", order[::-1][:SHOWN]), ("Least novel", order[:SHOWN])):
        new = int(found.detector.novel[chosen].sum())
        rows = [found.images[chosen, ..., 0], found.outputs[chosen, ..., 0]]
        names = ", ".join(classes[int(label)] for label in found.labels[chosen])
        st.image(pictures.mosaic(rows, 4), width=700, alt=f"{title}: {names}.")
        st.caption(f"**{title}** to the run, with what it makes of them below: {names}. {new} of {len(chosen)} are of "
                   "the class left out.")  # fmt: skip
    downloads("novelty-images", lambda: images_figure(found, order))


def _errors_table(found: Examined, pca: Detector) -> pd.DataFrame:
    return pd.DataFrame({"held_out_image": np.arange(len(found.labels)), "class": found.labels,
                         "left_out": found.detector.novel, "error": found.detector.errors,
                         "pca_error": pca.errors})  # fmt: skip


page()
