"""Train: choose a variant, tune it, press the button, watch it learn."""

import streamlit as st

from aecore.errors import AecoreError
from aecore.schema import VARIANTS
from aecore.service import Service
from pages.components.replay.player import replay
from pages.components.shared.datasets import download_panel
from pages.components.shared.runs import run_label
from pages.components.shared.session import get_service, show_errors
from pages.components.train.choices import read_url, show_run, write_url
from pages.components.train.form import config_form
from pages.components.train.live import live
from pages.components.train.speed import chosen_speed

RUNS_SHOWN = 50


def page() -> None:
    """Draws the page."""
    service = get_service()
    problems = read_url(service)
    with st.sidebar:
        st.header("Model", anchor=False)
        config = config_form(service, problems)
    variant_class = VARIANTS[st.session_state["variant"]]
    st.title("Train", anchor=False)
    if "run" in problems:
        st.error(problems["run"])
    missing = config is not None and not _data_is_here(service)
    row = st.container(horizontal=True, vertical_alignment="center")
    pressed = row.button(
        f"Train {variant_class.title.lower()}", type="primary", icon=":material/play_arrow:", key="train",
        disabled=config is None or missing, help="Start a new run with the choices on the left.",
    )  # fmt: skip
    row.caption("Tune it in the panel on the left (on a phone, behind the arrow at the top).")
    if config is None:
        st.error("Something in the form cannot be used: see the sentence beside the field on the left.")
    if pressed and config is not None:
        with show_errors():
            show_run(service.runs.train(config, chosen_speed()))
    _choose_run(service)
    write_url(variant_class)
    if st.session_state.get("run"):
        live(service, st.session_state["run"])
        _time(service, st.session_state["run"])
    else:
        st.info(
            "Nothing is being trained yet: press the button above, and a curve will move here.",
            icon=":material/show_chart:",
        )
    with st.expander(f"How it works: {variant_class.title.lower()} autoencoder", icon=":material/school:"):
        st.markdown(variant_class.how_it_works)


def _time(service: Service, name: str) -> None:
    """The run's slider, read and drawn only while it is open."""
    if service.runs.run(name).config.hyper.modality != "images":
        return
    time = st.expander("Time: replay this run", icon=":material/history:", key="time", on_change="rerun")
    if time.open:
        with time:
            replay(service, name, in_query=False)
            st.page_link("pages/replay.py", label="On a page of its own, with a link to each moment",
                         icon=":material/open_in_full:", query_params={"run": name})  # fmt: skip


def _choose_run(service: Service) -> None:
    """Lets the visitor come back to any earlier run."""
    every = service.runs.all()
    own = [run for run in every if run.status != "pretrained"][:RUNS_SHOWN]
    runs = {run.id: run for run in [*own, *(run for run in every if run.status == "pretrained")]}
    present = st.session_state.get("run")
    if present and present not in runs:
        try:
            runs[present] = service.runs.run(present)
        except AecoreError as error:
            st.error(str(error))
            show_run(present := None)
    if not runs:
        return

    st.session_state["run"] = st.selectbox(
        "Run shown",
        list(runs),
        key=f"run_field_{st.session_state['run_field']}",
        persist_state="session",
        format_func=lambda name: run_label(runs[name]),
        placeholder="Choose a run",
        index=list(runs).index(present) if present else None,
    )


def _data_is_here(service: Service) -> bool:
    """Says how to get the dataset where it is missing, and fetches it on request."""
    status = service.data.dataset(st.session_state["dataset"])
    if status.available:
        return True
    st.warning(f"{status.title} is not on this machine. {status.how} Digits need no download.")
    download_panel(service, status.name)
    return False


page()
