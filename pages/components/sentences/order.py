"""What the order of words changes in each representation, and what a model writes between two sentences."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from aecore.explore.sentences import REPRESENTATIONS, Line
from aecore.service import Service
from aecore.store.views import RunView
from pages.components.sentences.neighbours import STARTING, unknown_words
from pages.components.shared.export import downloads
from pages.components.shared.spelling import spelt

DOG = ("the dog bit the man", "the man bit the dog")
OTHERS = (
    ("the company bought the bank", "the bank bought the company"),
    ("the function calls the method", "the method calls the function"),
)
ENDS = (
    ("the company reported a loss for the year", "oil prices rose in the third quarter"),
    ("return the mean of the array", "raise an error if the file does not exist"),
)
OWN: Any = {"bind": "query-params", "persist_state": "page", "max_chars": 2000}


def word_order(service: Service, run: RunView) -> None:
    """Draws a table of pairs of sentences that differ in the order of their words, and of the visitor's own."""
    st.header("Word order", anchor=False)
    reader = service.sentences.reader(run.id)
    known = [pair for pair in OTHERS if not reader.unknown(pair[0])]
    left, right = st.columns(2)
    left.text_input("First sentence of your own pair", **OWN, key="first")
    right.text_input("Second sentence of your own pair", **OWN, key="second")
    own = (st.session_state["first"].strip(), st.session_state["second"].strip())
    pairs = [DOG, *known[:1]]
    if all(own):
        pairs.append(own)
    elif any(own):
        st.info("Type both sentences of your own pair.")
    with st.spinner(STARTING, show_time=True):
        found = service.sentences.likeness(run.id, pairs)
        beside = service.sentences.searched(run.id).random_pairs
    rows = {f"{one} / {other}": likeness for (one, other), likeness in zip(pairs, found, strict=True)}
    rows["two held-out sentences at random, on average"] = beside  # type: ignore[assignment]
    shown = pd.DataFrame({
        "pair": list(rows),
        **{title: [_caption(likeness.get(name), name in likeness) for likeness in rows.values()]
           for name, title in REPRESENTATIONS.items()},
    })  # fmt: skip
    st.table(shown.set_index("pair"))
    for one, other in pairs:
        if np.array_equal(*reader.ids([one, other])):
            st.warning(
                f"The model reads “{one}” and “{other}” as the very same words, since the words in which they differ "
                "are unknown to it: that pair says nothing about order.",
                icon=":material/help:",
            )
    unknown_words(service, run, *(sentence for pair in pairs for sentence in pair))
    st.caption(
        "Cosine of the two sentences in each representation. The mean of word vectors, and TF-IDF, give exactly 1 to "
        "the same words in another order; the autoencoder reads one word after the other and may tell them apart. "
        "What is close to 1 there although the meaning is another shows how much the code is about words alone; the "
        "last row shows what any two sentences have."
    )
    downloads(f"word-order-{run.id}", table=lambda: _table(rows))


def _caption(value: float | None, present: bool) -> str:
    if not present:
        return "after the run's end"
    if value is None:
        return "– (no known word)"
    return "1 exactly" if value == 1 else f"{value:.4f}"


def _table(rows: dict[str, dict[str, float | None]]) -> pd.DataFrame:
    found = [(pair, *(likeness.get(name) for name in REPRESENTATIONS)) for pair, likeness in rows.items()]
    return pd.DataFrame(found, columns=["pair", *REPRESENTATIONS.values()])


def between(service: Service, run: RunView) -> None:
    """Draws what the model writes on the line from one sentence's code to another's."""
    st.header("Between two sentences", anchor=False)
    reader = service.sentences.reader(run.id)
    example = min(ENDS, key=lambda pair: len(reader.unknown(" ".join(pair))))
    left, right = st.columns(2)
    left.text_input("From", **OWN, key="from", placeholder=example[0])
    right.text_input("To", **OWN, key="to", placeholder=example[1])
    steps = st.slider("Steps", 3, 15, 7, key="steps", bind="query-params", persist_state="page",
                      help="Both ends among them.")  # fmt: skip
    first, second = st.session_state["from"].strip() or example[0], st.session_state["to"].strip() or example[1]
    unknown_words(service, run, first, second)
    with st.spinner(STARTING, show_time=True):
        line = service.sentences.between(run.id, first, second, steps)
    names = reader.vocabulary.words
    st.caption(f"From “{first}”")
    titles = [f"{share:.0%} of the way" for share in line.shares]
    spelt(None, line.words, line.cosines, names, "words", titles)
    st.caption(f"To “{second}”")
    how = (
        "The model ends its sentences itself."
        if reader.ends
        else "The model has not learnt to end a sentence: each is cut at a length between those of the two."
    )
    st.caption(
        "Codes at even distances on the straight line between the two sentences' codes, decoded. The first and the "
        f"last are what the model makes of the two themselves. {how} Rest on a word to see its vector's cosine. The "
        "two baselines cannot write, so that nothing stands beside it here."
    )
    downloads(f"between-{run.id}", table=lambda: _written(line, names))


def _written(line: Line, names: tuple[str, ...]) -> pd.DataFrame:
    rows = [
        (share, place + 1, names[word] if word < len(names) else "", float(cosine))
        for share, words, cosines in zip(line.shares, line.words.tolist(), line.cosines, strict=True)
        for place, (word, cosine) in enumerate(zip(words, cosines, strict=True))
        if word
    ]
    return pd.DataFrame(rows, columns=["share of the way", "place", "word", "cosine"])
