"""The slider that replays a run from its snapshots: play, pause, step, pace, and the moment in the URL."""

import time
from functools import partial

import numpy as np
import streamlit as st

from aecore.explore.replay import Film
from aecore.service import Service
from aecore.store.views import RunView
from pages.components.replay.views import ALIGNED, CODES, moment
from pages.components.shared import query_parameters
from pages.components.shared.redrawing import STEADY, redraw

PACES = {"0.5": "a snapshot every 2 seconds", "1": "1 snapshot a second", "2": "2 snapshots a second",
         "4": "4 snapshots a second"}  # fmt: skip
PACE = "2"
LIVE_SECONDS = 1.0
STALE_SECONDS = 3.0


def replay(service: Service, name: str, in_query: bool) -> None:
    """Draws the slider of a run and what it shows.

    Args:
        service: the back end.
        name: the run.
        in_query: whether moment, pace and alignment are kept in the query parameters.
    """
    st.html(STEADY)
    redraw(
        lambda: service.runs.run(name),
        lambda run: (run.active, _playing(name), _pace()),
        lambda run: _draw(service, run, in_query),
        lambda going_on: _seconds(*going_on),
    )


def _seconds(active: bool, playing: bool, pace: str) -> float | None:
    return 1 / float(pace) if playing else LIVE_SECONDS if active else None


def _draw(service: Service, run: RunView, in_query: bool) -> None:
    film = service.replay.film(run.id)
    if film is None or len(film.positions) < 2:
        st.caption("The slider appears here as soon as there are two snapshots of the run.")
        return
    frame, codes = _controls(film, run, in_query)
    view = service.runs.snapshot(run.id, film.positions[frame])
    if view is not None:
        moment(service, run, film, view, frame, codes)


def _playing(name: str) -> bool:
    return bool(st.session_state.get(f"playing_{name}"))


def _pace() -> str:
    """What is drawn beside the slider may not have been drawn yet: then the query parameters tell, or nobody."""
    pace = st.session_state.get("chosen_pace", st.query_params.get("pace", PACE))
    return pace if pace in PACES else PACE


def _controls(film: Film, run: RunView, in_query: bool) -> tuple[int, str]:
    """The frame to show, and whether codes are aligned."""
    state, last = st.session_state, len(film.positions) - 1
    frame = _frame(film, run, in_query)
    state[f"slider_{run.id}"] = state[f"frame_{run.id}"] = frame
    row = st.container(horizontal=True, vertical_alignment="bottom")
    move = partial(_move, run.id, last)
    row.button("Back", icon=":material/skip_previous:", key=f"back-{run.id}", on_click=move, args=(frame - 1,),
               disabled=frame == 0, help="One snapshot back.")  # fmt: skip
    playing = _playing(run.id)
    state[f"repeats_{run.id}"] = playing or run.active
    row.button("Stop playing" if playing else "Play", type="primary", key=f"play-{run.id}", on_click=_play,
               icon=":material/pause:" if playing else ":material/play_arrow:", args=(run.id, last),
               help="Play from here; from the beginning if the end is shown.")  # fmt: skip
    row.button("Forward", icon=":material/skip_next:", key=f"forward-{run.id}", on_click=move, args=(frame + 1,),
               disabled=frame == last, help="One snapshot on.")  # fmt: skip
    with row.container(width=240):
        if in_query:
            query_parameters.pick("Pace", list(PACES), "pace", PACE, PACES.__getitem__)
        else:
            state.setdefault("chosen_pace", PACE)
            st.selectbox("Pace", list(PACES), key="chosen_pace", format_func=PACES.__getitem__)
    with row.container(width=280):
        if in_query:
            codes = query_parameters.pick("Codes", list(CODES), "codes", ALIGNED, CODES.__getitem__)
        else:
            codes = st.selectbox("Codes", list(CODES), key="chosen_codes", format_func=CODES.__getitem__)
    words = [f"{position:.4g}" for position in film.positions]
    st.select_slider("Epoch", range(last + 1), key=f"slider_{run.id}", format_func=words.__getitem__,
                     on_change=_dragged, args=(run.id, last))  # fmt: skip
    following = " It follows the training." if run.active and state.get(f"follow_{run.id}") else ""
    st.caption(f"After epoch {words[frame]} of {run.total_epochs}: snapshot {frame + 1} of {last + 1}.{following}")
    if in_query and not playing:
        shown, at_first = (f"{film.positions[k]:.6g}" for k in (frame, last))
        query_parameters.mirror("at", shown, at_first)
    return frame, codes


def _frame(film: Film, run: RunView, in_query: bool) -> int:
    state, last = st.session_state, len(film.positions) - 1
    follow = f"follow_{run.id}"
    state.setdefault(follow, True)
    if state.get("at_run") != run.id:  # another run is shown at the same moment
        state["at_run"] = run.id
        state.pop("chosen_at_seen", None)
    wrong = "The epoch '{}' in the URL is no number: move the slider instead."
    if in_query and query_parameters.take("at", _number, wrong):
        state[f"frame_{run.id}"], state[follow] = film.nearest(state["chosen_at"]), False
    frame = last if state[follow] and not _playing(run.id) else min(state.get(f"frame_{run.id}", last), last)
    if _playing(run.id) and not state.pop(f"moved_{run.id}", False):
        frame = min(frame + 1, last)
        if frame == last:
            state[f"playing_{run.id}"], state[follow] = False, True
    if frame != state.get(f"frame_{run.id}"):
        _remember(run.id)
    return frame


def _remember(name: str) -> None:
    """Notes the frame that is left, for `_dragged`."""
    state = st.session_state
    state[f"past_{name}"] = [*state.get(f"past_{name}", [])[-8:], (state.get(f"frame_{name}"), time.monotonic())]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _dragged(name: str, last: int) -> None:
    """Takes over the slider's value, unless it is one that the browser has not caught up with yet.

    While it moves by itself, a repetition can bring a value from before the last move, as if a visitor had chosen it.
    """
    frame, now = st.session_state[f"slider_{name}"], time.monotonic()
    if not any(frame == old and now - when < STALE_SECONDS for old, when in st.session_state.get(f"past_{name}", ())):
        _move(name, last, frame)


def _move(name: str, last: int, frame: int) -> None:
    state = st.session_state
    if state.get(f"repeats_{name}"):
        _remember(name)
    state[f"frame_{name}"], state[f"follow_{name}"], state[f"moved_{name}"] = frame, frame == last, True


def _play(name: str, last: int) -> None:
    state = st.session_state
    state[f"playing_{name}"] = not _playing(name)
    if state[f"playing_{name}"]:
        begin = 0 if state[f"frame_{name}"] == last else state[f"frame_{name}"]
        _move(name, last, begin)
    state[f"follow_{name}"] = False
