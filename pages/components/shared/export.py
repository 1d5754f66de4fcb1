"""Takes what a page shows home: figures for a paper as PNG and SVG, numbers as CSV; made when they are asked for."""

import io
from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st
from matplotlib import rc_context
from matplotlib.figure import Figure

PRINT: Any = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.fonttype": "none",
    "figure.constrained_layout.use": True,
}  # fmt: skip
DPI = 300


def downloads(name: str, figure: Callable[[], Figure] | None = None, table: Callable[[], pd.DataFrame] | None = None):
    """Draws the menu of one picture.

    Args:
        name: of the files, unique on the page.
        figure: makes the picture with matplotlib; called within `PRINT`'s settings. None for no picture.
        table: makes the numbers. None for none.
    """
    with st.popover("Download", icon=":material/download:", type="tertiary", key=f"download-{name}"):
        if figure is not None:
            for ending, mime in (("png", "image/png"), ("svg", "image/svg+xml")):
                st.download_button(ending.upper(), lambda ending=ending: rendered(figure, ending), f"{name}.{ending}",
                                   mime, key=f"{ending}-{name}", on_click="ignore")  # fmt: skip
        if table is not None:
            st.download_button("CSV", lambda: table().to_csv(index=False).encode(), f"{name}.csv", "text/csv",
                               key=f"csv-{name}", on_click="ignore")  # fmt: skip


def rendered(figure: Callable[[], Figure], ending: str) -> bytes:
    """The picture as a file, PNG at 300 dots an inch or SVG with text that stays text."""
    buffer = io.BytesIO()
    with rc_context(PRINT):
        figure().savefig(buffer, format=ending, dpi=DPI)
    return buffer.getvalue()
