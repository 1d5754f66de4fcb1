"""Choices that a page mirrors in its query parameters, so that a link opens it as it is.

Streamlit's `bind="query-params"` writes the words shown for an option and knows no choice that depends on another one:
here a choice has a name of its own, is checked, and may be left out where it is the default.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

_WRITTEN = "_query_written"  # by this page, last
_REPLACED = "_query_replaced"  # by it, with the moment
_DRAWN = "_query_page"  # the page that was drawn last
STALE_SECONDS = 5.0


def pick(
    label: str,
    options: Sequence[str],
    name: str,
    default: str,
    words: Callable[[str], str] = str,
    help: str | None = None,  # noqa: A002
    complaint: str | None = None,
    always: bool = False,
) -> str:
    """Draws a choice of one of several, and mirrors it where it is not the default.

    Args:
        label: of the field.
        options: what can be chosen, as the query parameter says it.
        name: of the query parameter; the field's key is "chosen_" and the name.
        default: what is chosen at first.
        words: how an option is shown.
        help: of the field.
        complaint: what is said of a value that cannot be chosen, "{}".
        always: whether the default is mirrored as well.
    """
    key = f"chosen_{name}"
    known = f"{label} '{{}}' is not among the choices: take one from the list."
    take(name, lambda text: text if text in options else None, complaint or known)
    if st.session_state.get(key) not in options:
        st.session_state[key] = default
    st.selectbox(label, options, key=key, format_func=words, persist_state="session", help=help)
    return mirror(name, st.session_state[key], None if always else default)


def number(label: str, most: int, name: str, default: int, help: str | None = None) -> int:  # noqa: A002
    """Draws a choice of a whole number from 1 to `most`; see `pick`."""
    state, key = st.session_state, f"chosen_{name}"
    take(name, whole(most), f"{label} '{{}}' is not among the choices: take one from 1 to {most}.")
    found = state.get(key)
    if not isinstance(found, int) or not 1 <= found <= most:
        state[key] = default
    st.number_input(label, 1, most, key=key, persist_state="session", help=help)
    return int(mirror(name, str(state[key]), str(default)))


def whole(most: int) -> Callable[[str], int | None]:
    """Reads a whole number from 1 to `most`; gives None for anything else."""
    return lambda text: int(text) if text.isdecimal() and 1 <= int(text) <= most else None


def take(name: str, read: Callable[[str], Any], complaint: str = "") -> bool:
    """Takes over what a query parameter asks for, when it was not this page that wrote it.

    Args:
        name: of the query parameter; what was read becomes the session's "chosen_" and the name.
        read: what a text asks for; None where it cannot be used.
        complaint: what is then said of it, "{}".

    Returns:
        Whether something was taken over.
    """
    state, key = st.session_state, f"chosen_{name}"
    asked = st.query_params.get(name)
    if asked is None or asked == state.get(f"{key}_seen"):
        return False
    state[f"{key}_seen"] = asked
    value = read(asked)
    if value is None:
        st.error(complaint.format(asked[:60]))
        return False
    state[key] = value
    return True


def mirror(name: str, value: str, default: str | None = None) -> str:
    """Writes a query parameter, or drops it where the value is the default; returns the value."""
    st.session_state[f"chosen_{name}_seen"] = value
    if value == default:
        st.session_state[f"chosen_{name}_seen"] = None
    write({name: None if value == default else value})
    return value


def write(query: Mapping[str, str | None]) -> None:
    """Sets query parameters of this page, and drops those that are None."""
    state, now, page = st.session_state, time.monotonic(), _page()
    for name, value in query.items():
        before = st.query_params.get(name)
        if before != value:
            recent = [replaced for replaced in state.get(_REPLACED, ()) if replaced[0] > now - STALE_SECONDS]
            state[_REPLACED] = [*recent, (now, page, name, before)]
            state[_WRITTEN] = state.get(_WRITTEN, {}) | {(page, name): value}
            _set(name, value)


def settle() -> None:
    """Puts back what this page wrote last, where a drawing comes with what that has just replaced.

    A live page asks for its drawings also before the browser has heard of the newest query parameters, and would undo
    what was just chosen. Who comes from another page, or goes back in the browser's history, means it.
    """
    state, context = st.session_state, get_script_run_ctx()
    page, since = _page(), time.monotonic() - STALE_SECONDS
    if page != state.get(_DRAWN) or (context and context.is_history_navigation):
        state.pop(_REPLACED, None)
    state[_DRAWN] = page
    for at, where, name, before in state.get(_REPLACED, ()):
        written = state[_WRITTEN][where, name]
        if where == page and at > since and st.query_params.get(name) == before != written:
            _set(name, written)


def _set(name: str, value: str | None) -> None:
    if value is None:
        del st.query_params[name]
    else:
        st.query_params[name] = value


def _page() -> str:
    context = get_script_run_ctx()
    return context.page_script_hash if context else ""
