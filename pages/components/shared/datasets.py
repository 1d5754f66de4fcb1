"""A dataset that is missing: how to get it, and a button that fetches it with its progress."""

import streamlit as st

from aecore.service import Service

REFRESH_SECONDS = 0.5


def download_panel(service: Service, name: str) -> None:
    """Draws the button, or how far the download is."""
    going = service.data.download_status(name)
    active = going is not None and going.active

    def draw() -> None:
        now = service.data.download_status(name)
        if now is not None and now.active:
            share = now.done / now.total if now.total else 0.0
            st.progress(min(1.0, share), text=f"{now.done / 1e6:.1f} of {now.total / 1e6:.1f} MB")
            return
        if active:
            st.rerun()  # it has ended: the whole page knows more now
        if now is not None and now.error:
            st.error(now.error)
        if st.button(f"Download {name}", icon=":material/download:", key=f"download-{name}"):
            service.data.download(name)
            st.rerun()

    st.fragment(draw, run_every=REFRESH_SECONDS if active else None)()
