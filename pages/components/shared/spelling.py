"""Sentences word by word: what a model was shown, and below each word the one that it writes."""

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st

PAD, UNKNOWN = 0, 1
NOTHING = "&nbsp;"  # where one of the two sentences has ended
# No colour but the line's, so that it suits the light and the dark page. Behind the sentences: a style that stands
# first is cut off.
STYLE = """<style>
.spelt { display: flex; flex-wrap: wrap; gap: 0.1rem 0.6rem; margin: 0 0 1rem; overflow-wrap: anywhere; }
.spelt > span { display: flex; flex-direction: column; max-width: 100%; line-height: 1.45; }
.spelt > small { flex-basis: 100%; opacity: 0.8; }
.spelt .came { border-bottom: 3px solid transparent; }
.spelt .right .came { border-color: #009e73; font-weight: 600; }
.spelt .wrong .came { opacity: 0.8; font-style: italic; }
</style>"""


def spelt(
    shown_ids: np.ndarray | None,
    words: np.ndarray,
    cosines: np.ndarray,
    vocabulary_words: Sequence[str],
    objective: str,
    titles: Sequence[str] = (),
) -> None:
    """Draws sentences, and below each word what a model writes in its place; the right ones are underlined.

    Args:
        shown_ids: word ids [n, length] that the model was shown, padded with 0 at the end; None where it was shown
            no sentence, and only what it writes is drawn.
        words: ids [n, length] that it writes; they end at the first 0.
        cosines: [n, length] of the vectors that it writes with those of these words.
        vocabulary_words: the words by number, PAD and UNK first.
        objective: what the model was trained for. Only "words" teaches it to end a sentence; else what it writes is
            cut where the sentence shown ends.
        titles: what stands above each sentence.
    """
    parts = []
    for k in range(len(words)):
        title = f"<small>{html.escape(titles[k])}</small>" if len(titles) else ""
        shown = None if shown_ids is None else _until_end(shown_ids[k])
        came = _until_end(words[k])
        if shown is not None and objective != "words":
            came = words[k][: len(shown)]
        pairs = _pairs(shown, came, cosines[k], vocabulary_words)
        parts.append(f'<div class="spelt">{title}{"".join(pairs)}</div>')
    st.html("".join(parts) + STYLE)
    if shown_ids is not None:
        st.caption("Underlined in bold: the right word at its place. Rest on a word for its vector's cosine.")


def _until_end(ids: np.ndarray) -> np.ndarray:
    ends = np.flatnonzero(ids == PAD)
    return ids[: ends[0]] if len(ends) else ids


def _pairs(shown: np.ndarray | None, came: np.ndarray, cosines: np.ndarray, names: Sequence[str]) -> list[str]:
    """A column for each place, the word shown above the one that came."""
    found = []
    for place in range(max(len(came), 0 if shown is None else len(shown))):
        above = None if shown is None or place >= len(shown) else int(shown[place])
        below = int(came[place]) if place < len(came) else None
        hint = "the sentence has ended" if below is None else f"cosine {float(cosines[place]):.2f}"
        right = above is not None and above == below and above > UNKNOWN
        sort = "" if shown is None else ' class="right"' if right else ' class="wrong"'
        read = "" if shown is None else f"<span>{_word(above, names)}</span>"
        found.append(f'<span{sort} title="{hint}">{read}<span class="came">{_word(below, names)}</span></span>')
    return found or ["<span><em>nothing: it ends at once</em></span>"]


def _word(number: int | None, names: Sequence[str]) -> str:
    if number is None:
        return NOTHING
    if number == UNKNOWN:
        return "<small>unknown</small>"
    # A model may have room for more words than its corpus has.
    return html.escape(names[number]) if number < len(names) else "<small>no word</small>"
