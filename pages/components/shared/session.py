"""The one service of this server, and errors told in the page's own words."""

import contextlib
import logging
import math
import runpy
from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from aecore.errors import AecoreError
from aecore.service import Service
from pages.components.shared import query_parameters, visitor

log = logging.getLogger(__name__)
SENTENCES = ("sentence", "first", "second", "from", "to")  # query parameters that are prose
PREPARED = "worker_prepared"
REFUSED = "refused_parameters"
SHORT = 40  # characters of a bad value that are repeated
APP = str(Path(__file__).resolve().parents[3] / "app.py")


@st.cache_resource(show_spinner="Opening the store…", on_release=Service.close)
def _service() -> Service:
    return Service()


def get_service() -> Service:
    """The service as this visitor has it; stops the page with one sentence if it cannot start.

    On a machine of one's own all visitors share it; in public each has a workspace.
    """
    if "through_app" not in st.session_state:
        # Until a server has run app.py once, Streamlit opens the files in pages/ by itself, without the
        # settings and the navigation; app.py then draws the page that was asked for.
        runpy.run_path(APP, run_name="__main__")
        st.stop()
    query_parameters.settle()
    _refuse_infinite()
    try:
        service = _service()
        if PREPARED not in st.session_state:
            st.session_state[PREPARED] = True
            service.runs.prepare_worker()
        return service.of(visitor.workspace()) if service.settings.public or visitor.signs_in() else service
    except AecoreError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


def _refuse_infinite() -> None:
    """Drops numbers from the query parameters that no widget can hold: Streamlit's own binding fails with them."""
    bad = {n: v for n, v in dict(st.query_params).items() if n not in SENTENCES and not _is_finite(v)}
    if bad:
        st.session_state[REFUSED] = [_refusal(name, value) for name, value in bad.items()]
        for name in bad:
            del st.query_params[name]
        st.rerun()  # what widgets are bound to was read when this run began
    for sentence in st.session_state.pop(REFUSED, ()):
        st.error(sentence, icon=":material/error:")


def _refusal(name: str, value: str) -> str:
    short = value if len(value) <= SHORT else f"{value[:SHORT]}…"
    return f"{name} takes a finite number; received '{short}' in the URL, which was left out."


def _is_finite(text: str) -> bool:
    """Whether a text is no number at all, or a finite one."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return True


@contextlib.contextmanager
def show_errors() -> Iterator[None]:
    """Shows an expected error as one sentence where it happened."""
    try:
        yield
    except AecoreError as error:
        st.error(str(error), icon=":material/error:")
