"""Weights: what each unit of a layer looks for or draws, how busy it is, and two runs beside each other."""

from collections.abc import Sequence

import streamlit as st

from aecore.explore.weights import LayerInfo
from aecore.service import Service
from aecore.store.views import RunView
from pages.components.shared import query_parameters
from pages.components.shared.runs import choose_run, explorable, run_label
from pages.components.shared.session import get_service, show_errors
from pages.components.weights import matrices, units
from pages.components.weights.matrices import ORDERS, Side

NONE = "none"
LIMITS = {
    "95": "the 95th percentile of the weights",
    "98": "the 98th percentile of the weights",
    "99.5": "the 99.5th percentile of the weights",
    "100": "the largest weight",
}
STANDARD, SPARSE = "vanilla", "sparse-l1"


def page() -> None:
    """Draws the page."""
    service = get_service()
    st.title("Weights", anchor=False)
    st.markdown(
        "What a unit has learnt stands in its weights: in the encoder the pattern that it looks for, in the decoder "
        "what it draws. Beside each other on one scale, two runs show what a penalty or noise changes."
    )
    runs = explorable(service, lambda run: run.config.hyper.modality == "images")
    with show_errors():
        first, second = st.columns(2)
        with first:
            run = choose_run(runs)
        if run is None:
            return
        others = {name: other for name, other in runs.items() if name != run.id}
        with second:
            beside = query_parameters.pick(
                "Beside it", [NONE, *others], "with", NONE,
                lambda name: "no other run" if name == NONE else run_label(others[name]),
            )  # fmt: skip
        if STANDARD in runs and SPARSE in runs and beside == NONE:
            st.page_link("pages/weights.py", label="The textbook's standard autoencoder beside its sparse one",
                         icon=":material/compare:", query_params={"run": STANDARD, "with": SPARSE})  # fmt: skip
        _explore(service, [run] if beside == NONE else [run, others[beside]])


def _explore(service: Service, runs: Sequence[RunView]) -> None:
    with st.spinner(_waiting(service)):
        layers = [_layers(service, run.id, run.weights_version) for run in runs]
    if not layers[0]:
        st.info("The weights of this kind of model cannot be drawn; choose another run.")
        return
    titles = {layer.name: layer.title for layer in layers[0]}
    columns = st.columns(3)
    with columns[0]:
        help_text = "The last one of the encoder and the first one of the decoder are the code."
        name = query_parameters.pick("Layer", list(titles), "layer", "encoder_1", titles.__getitem__, help=help_text)
    with columns[1]:
        order = query_parameters.pick("Sorted by", list(ORDERS), "sort", "activation", ORDERS.__getitem__)
    with columns[2]:
        limit = query_parameters.pick("Full colour at", list(LIMITS), "limit", "98", LIMITS.__getitem__,
                             help="Of both runs the larger one, so that their colours can be compared.")  # fmt: skip
    with st.spinner(_waiting(service)):
        sides = [
            _side(service, run, _counterpart(known, name), order)
            for run, known in zip(runs, layers, strict=True)
            if known
        ]
    if any(run.active for run in runs):
        st.button("Look again", icon=":material/refresh:", help="Take the newest weights of the run that is training.")
    matrices.weights_and_maps(service, sides, float(limit))
    units.spreads_and_statistics(sides)
    units.single_units(service, sides, float(limit))


def _counterpart(layers: Sequence[LayerInfo], name: str) -> LayerInfo:
    """The layer of that name, or the nearest on the same side of the code."""
    same = [layer for layer in layers if layer.name == name]
    side = [layer for layer in layers if layer.name.partition("_")[0] == name.partition("_")[0]]
    return (same or side[-1:])[0]


def _side(service: Service, run: RunView, layer: LayerInfo, order: str) -> Side:
    weights = _weights(service, run.id, run.weights_version, layer.name)
    activity = None
    with show_errors():
        here = service.data.dataset(run.config.dataset).available
        activity = _activity(service, run.id, run.weights_version, layer, here)
    return Side(run, layer, weights, activity, order)


def _waiting(service: Service) -> str:
    if service.runs.worker().state == "ready":
        return "Asking the model…"
    return "Asking the model; the worker starts first, which takes about ten seconds…"


@st.cache_data(max_entries=32, show_spinner=False)
def _layers(_service: Service, run: str, version: str):
    del version
    return _service.weights.layers(run)


@st.cache_data(max_entries=16, show_spinner=False)
def _weights(_service: Service, run: str, version: str, layer: str):
    del version
    return _service.weights.of(run, layer)


@st.cache_data(max_entries=16, show_spinner=False)
def _activity(_service: Service, run: str, version: str, layer: LayerInfo, here: bool):
    del version, here  # with its dataset on this machine, a model is shown other images
    return _service.weights.activity(run, layer)


page()
