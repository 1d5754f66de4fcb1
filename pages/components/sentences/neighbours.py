"""The sentences nearest to one, by the code and by the baselines, and how often neighbours share a topic."""

import html

import numpy as np
import pandas as pd
import streamlit as st

from aecore.explore.sentences import REPRESENTATIONS, Neighbour, Searched
from aecore.service import Service
from aecore.store.views import RunView
from pages.components.shared.export import downloads
from pages.components.shared.session import show_errors

COUNT = 5
KEY = "sentence"
AGREEMENT = {
    "topic_agreement": REPRESENTATIONS["codes"],
    "mean_vectors_topic_agreement": REPRESENTATIONS["means"],
    "tfidf_topic_agreement": REPRESENTATIONS["latent"],
    "chance_topic_agreement": "a sentence drawn at random",
}
STARTING = "Asking the worker; the first time, it has to start and to read the sentences, which takes a minute at most."
STYLE = """<style>
.near { padding-left: 1.3rem; margin: 0; overflow-wrap: anywhere; }
.near li { margin-bottom: 0.6rem; line-height: 1.4; }
.near small { opacity: 0.8; }
</style>"""


def neighbours(service: Service, run: RunView) -> None:
    """Draws the choice of a sentence and its nearest sentences in each representation."""
    st.header("Neighbours", anchor=False)
    with st.spinner(STARTING, show_time=True):
        searched = service.sentences.searched(run.id)
    st.text_input("Sentence", key=KEY, bind="query-params", persist_state="page", max_chars=2000,
                  placeholder="Type a sentence of your own, or pick one")  # fmt: skip
    st.button("Pick one at random", icon=":material/shuffle:", key="pick", on_click=_pick, args=(searched.texts,))
    if not st.session_state[KEY].strip():
        st.caption(f"{_where(searched, run)} Type a sentence above, or pick one of these.")
    else:
        with show_errors():
            _nearest(service, run, searched, st.session_state[KEY])
    _agreement(run)


def _pick(texts: list[str]) -> None:
    st.session_state[KEY] = texts[np.random.default_rng().integers(len(texts))]


def _nearest(service: Service, run: RunView, searched: Searched, sentence: str) -> None:
    unknown_words(service, run, sentence)
    with st.spinner(STARTING):
        found = service.sentences.neighbours(run.id, sentence, COUNT)
    for column, (name, title) in zip(st.columns(len(REPRESENTATIONS)), REPRESENTATIONS.items(), strict=True):
        with column:
            st.subheader(title, anchor=False)
            if name not in found:
                st.caption("It is fitted on the training sentences at the end of the run, and appears then.")
            elif not found[name]:
                st.caption("It knows none of the words, so that nothing is near.")
            else:
                st.html(_list(found[name]) + STYLE)
    st.caption(
        f"The cosine with the sentence above, then the sentence and its topics. {_where(searched, run)} Look whether "
        "neighbours say the same thing, or only have the same words or the same length."
    )
    downloads(f"neighbours-{run.id}", table=lambda: _table(sentence, found))


def unknown_words(service: Service, run: RunView, *sentences: str) -> None:
    """Says which words of sentences the run's vocabulary lacks, and which are beyond what the model reads."""
    reader = service.sentences.reader(run.id)
    unknown = dict.fromkeys(word for sentence in sentences for word in reader.unknown(sentence))
    if unknown:
        words = ", ".join(f"`{word}`" for word in unknown if "`" not in word)
        st.caption(f":material/help: Not among the {len(reader.vocabulary):,} words that the model knows, and read as "
                   f"one and the same unknown word: {words or 'some marks'}.")  # fmt: skip
    left_out = max(reader.left_out(sentence) for sentence in sentences)
    if left_out:
        st.caption(f":material/content_cut: The model reads the first {reader.length} words; {left_out} more are "
                   "left out.")  # fmt: skip


def _where(searched: Searched, run: RunView) -> str:
    """Among which sentences neighbours are looked for."""
    some = f"a random sample of {len(searched.texts):,} of " if searched.total > len(searched.texts) else ""
    if searched.held_out:
        return f"Searched are {some}{searched.total:,} held-out sentences of {searched.title}."
    return (
        f"Searched are {some}{searched.total:,} sentences of {searched.title}: {run.config.dataset}, which the model "
        "learnt, is not on this machine, or has changed since."
    )


def _list(near: list[Neighbour]) -> str:
    rows = "".join(
        f"<li><b>{one.cosine:.3f}</b> {html.escape(one.sentence)} "
        f"<small>{html.escape(', '.join(one.topics))}</small></li>"
        for one in near
    )
    return f'<ol class="near">{rows}</ol>'


def _table(sentence: str, found: dict[str, list[Neighbour]]) -> pd.DataFrame:
    rows = [
        (sentence, REPRESENTATIONS[name], rank, one.cosine, one.sentence, " ".join(one.topics))
        for name, near in found.items()
        for rank, one in enumerate(near, 1)
    ]
    return pd.DataFrame(rows, columns=["sentence", "representation", "rank", "cosine", "neighbour", "topics"])


def _agreement(run: RunView) -> None:
    st.header("Topic agreement", anchor=False)
    if not run.metrics:
        st.caption("How often the nearest neighbour shares a topic is measured when the run ends.")
        return
    rows = [(title, run.metrics[name]) for name, title in AGREEMENT.items() if run.metrics.get(name) is not None]
    if not rows:
        st.caption("The sentences of this corpus have no topics, so that nobody can say whether neighbours share one.")
        return
    table = pd.DataFrame(rows, columns=["nearest by", "shares a topic"])
    shown = table.assign(**{"shares a topic": [f"{value:.1%}" for _, value in rows]})
    st.table(shown.set_index("nearest by"))
    st.caption(
        "How often the nearest held-out sentence of another document has a topic in common, over up to 2,000 sentences "
        "that have one. No topic was used in training. Look whether the autoencoder does better than the two baselines."
    )
    downloads(f"topic-agreement-{run.id}", table=lambda: table)
