"""Single choices that a page keeps in its address, by their own names rather than by the words shown for them."""

from collections.abc import Callable, Sequence

import streamlit as st


def pick(
    label: str,
    options: Sequence[str],
    name: str,
    default: str,
    words: Callable[[str], str] = str,
    help: str | None = None,  # noqa: A002
) -> str:
    """Draws a choice of one of several, and mirrors it in the address where it is not the default.

    Args:
        label: of the field.
        options: what can be chosen, as the address says it.
        name: of the parameter in the address.
        default: what is chosen at first.
        words: how an option is shown.
        help: of the field.
    """
    state, key = st.session_state, f"chosen_{name}"
    _take(
        name,
        lambda text: text if text in options else None,
        f"{label} '{{}}' is not among the choices: take one from the list.",
    )
    if state.get(key) not in options:
        state[key] = default
    st.selectbox(label, options, key=key, format_func=words, persist_state="session", help=help)
    return _kept(name, state[key], default)


def number(label: str, most: int, name: str, default: int, help: str | None = None) -> int:  # noqa: A002
    """Draws a choice of a whole number from 1 to `most`; see `pick`."""
    state, key = st.session_state, f"chosen_{name}"

    def read(text: str) -> int | None:
        return int(text) if text.isdecimal() and 1 <= int(text) <= most else None

    _take(name, read, f"{label} '{{}}' is not among the choices: take one from 1 to {most}.")
    found = state.get(key)
    if not isinstance(found, int) or not 1 <= found <= most:
        state[key] = default
    st.number_input(label, 1, most, key=key, persist_state="session", help=help)
    return int(_kept(name, str(state[key]), str(default)))


def _take(name: str, read: Callable[[str], object | None], complaint: str) -> None:
    """Takes over what the address asks for, when it was not this page that wrote it."""
    state, key = st.session_state, f"chosen_{name}"
    asked = st.query_params.get(name)
    if asked is not None and asked != state.get(f"{key}_seen"):
        value = read(asked)
        if value is None:
            st.error(complaint.format(asked))
        else:
            state[key] = value


def _kept(name: str, value: str, default: str) -> str:
    asked = st.query_params.get(name)
    if value != default:
        st.session_state[f"chosen_{name}_seen"] = value
        if asked != value:
            st.query_params[name] = value
    else:
        st.session_state[f"chosen_{name}_seen"] = None
        if asked is not None:
            del st.query_params[name]
    return value
