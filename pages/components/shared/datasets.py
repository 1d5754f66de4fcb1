"""A dataset that is missing: how to get it, and a button that fetches it with its progress."""

import streamlit as st

from aecore.service import Service
from pages.components.shared.redrawing import redraw


def download_panel(service: Service, name: str) -> None:
    """Draws the button, or how far the download is."""

    def active() -> bool:
        now = service.data.download_status(name)
        return now is not None and now.active

    def draw() -> None:
        now = service.data.download_status(name)
        if now is not None and now.active:
            st.progress(now.share, text=f"{now.done / 1e6:.1f} of {now.total / 1e6:.1f} MB")
            return
        if now is not None and now.error:
            st.error(now.error)
        if st.button(f"Download {name}", icon=":material/download:", key=f"download-{name}"):
            service.data.download(name)
            st.rerun()

    redraw(draw, active)
