"""Parts of a page that are drawn again by themselves while something goes on."""

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from pages.components.shared.session import show_errors

T = TypeVar("T")
REFRESH_SECONDS = 0.5
# Twice a second Streamlit would fade what is about to be drawn again, and blink in the corner.
STEADY = """<style>
[data-stale="true"] { opacity: 1 !important; transition: none !important; }
[data-testid="stStatusWidget"] { visibility: hidden; }
</style>"""


def redraw(
    read: Callable[[], T],
    going_on: Callable[[T], Any],
    draw: Callable[[T], None],
    every: Callable[[Any], float | None] | None = None,
) -> None:
    """Draws a part of the page, again and again while something goes on; when that changes, the whole page.

    Args:
        read: what is drawn, as it stands.
        going_on: what of it goes on; nothing, where that is false.
        draw: draws what was read.
        every: seconds from one drawing to the next, or None, for what goes on; by default `REFRESH_SECONDS`.
    """

    def part() -> None:
        with show_errors():
            now = read()
            if going_on(now) != was:
                st.rerun()  # the whole page, so that the repetition starts or ends
            draw(now)

    with show_errors():
        was = going_on(read())
        seconds = every(was) if every else REFRESH_SECONDS if was else None
        st.fragment(part, run_every=seconds)()
