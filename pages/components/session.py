"""The one service of this server, and errors told in the page's own words."""

import contextlib
import logging
import runpy
from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from aecore.errors import AecoreError
from aecore.service import Service

log = logging.getLogger(__name__)
APP = str(Path(__file__).resolve().parents[2] / "app.py")


@st.cache_resource(show_spinner="Opening the store…", on_release=Service.close)
def _service() -> Service:
    return Service()


def service() -> Service:
    """The service that all visitors of this server share; stops the page with one sentence if it cannot start."""
    if "through_app" not in st.session_state:
        # Until a server has run app.py once, Streamlit opens the files in pages/ by itself, without the
        # settings and the navigation; app.py then draws the page that was asked for.
        runpy.run_path(APP, run_name="__main__")
        st.stop()
    try:
        return _service()
    except AecoreError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Shows an expected error as one sentence where it happened."""
    try:
        yield
    except AecoreError as error:
        st.error(str(error), icon=":material/error:")
