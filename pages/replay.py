"""Replay: a run from its first step to its last, or to now, at the pace of the visitor."""

import streamlit as st

from pages.components.replay.player import replay
from pages.components.shared.runs import choose_run, explorable
from pages.components.shared.session import get_service, show_errors


def page() -> None:
    """Draws the page."""
    service = get_service()
    st.title("Replay", anchor=False)
    st.markdown(
        "Every run keeps snapshots from its first step on. Drag the slider or press play: losses, reconstructions, "
        "weights and codes move together, on axes that stay."
    )
    with show_errors():
        run = choose_run(explorable(service, lambda run: run.config.hyper.modality == "images"))
        if run is not None:
            replay(service, run.id, in_query=True)


page()
