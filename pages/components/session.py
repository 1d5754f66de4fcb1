"""The one service of this server, and errors told in the page's own words."""

import contextlib
import logging
from collections.abc import Iterator

import streamlit as st

from aecore.errors import AecoreError
from aecore.service import Service

log = logging.getLogger(__name__)


@st.cache_resource(show_spinner="Opening the store…", on_release=Service.close)
def _service() -> Service:
    return Service()


def service() -> Service:
    """The service that all visitors of this server share; stops the page with one sentence if it cannot start."""
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
