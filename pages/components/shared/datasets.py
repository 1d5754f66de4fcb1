"""A dataset that is missing: how to get it, and a button that fetches it with its progress."""

import streamlit as st

from aecore.service import Service
from pages.components.shared.redrawing import redraw


def download_panel(service: Service, name: str) -> None:
    """Draws the button, or how far the download is."""

    def draw(now) -> None:
        if now.active:
            st.progress(now.share, text=f"{now.done / 1e6:.1f} of {now.total / 1e6:.1f} MB")
            return
        if now.error:
            st.error(now.error)
        if st.button(f"Download {name}", icon=":material/download:", key=f"download-{name}"):
            service.data.download(name)
            st.rerun()

    redraw(lambda: service.data.download_status(name), lambda now: now.active, draw)
