"""Parts of a page that are drawn again by themselves while something goes on."""

import math
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.components.shared.session import show_errors

T = TypeVar("T")
REFRESH_SECONDS = 0.5
WATCHING_SECONDS = 15.0  # after the last drawing
SHARE = 0.5  # of a core
MOST_TIMES = 10
# Twice a second Streamlit would fade what is about to be drawn again, and blink in the corner.
STEADY = """<style>
[data-stale="true"] { opacity: 1 !important; transition: none !important; }
[data-testid="stStatusWidget"] { visibility: hidden; }
</style>"""


class Load:
    """What all visitors' drawings take together, so that many who watch do not keep the training waiting."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._drawings: dict[str, tuple[float, float]] = {}  # of each visitor the last one: when, and how long it took

    def drawn(self, visitor: str, seconds: float) -> None:
        """Notes a visitor's drawing that took so long."""
        with self._lock:
            self._drawings[visitor] = (time.monotonic(), seconds)

    def pause(self) -> float:
        """Seconds from a drawing to the next: with them, drawings of all who watch take half of a core at most."""
        with self._lock:
            now = time.monotonic()
            self._drawings = {who: last for who, last in self._drawings.items() if last[0] > now - WATCHING_SECONDS}
            round_of_all = sum(seconds for _, seconds in self._drawings.values())
        return REFRESH_SECONDS * min(MOST_TIMES, max(1, math.ceil(round_of_all / SHARE / REFRESH_SECONDS)))


LOAD = Load()


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
            begun = time.monotonic()
            now = read()
            draw(now)  # first of all: a click that came with this drawing is heard in it, and would be lost by a rerun
            LOAD.drawn(_visitor(), time.monotonic() - begun)
            if going_on(now) != was or _out_of_step(seconds if every is None else None):
                st.rerun()  # the whole page, so that the repetition starts, ends or takes another pace

    with show_errors():
        was = going_on(read())
        seconds = every(was) if every else LOAD.pause() if was else None
        st.fragment(part, run_every=seconds)()


def _out_of_step(seconds: float | None) -> bool:
    """Whether a pause has become twice too long or too short for all who watch."""
    return seconds is not None and not 0.5 < LOAD.pause() / seconds < 2


def _visitor() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""
