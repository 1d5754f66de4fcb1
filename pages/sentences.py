"""Sentences: what the code of a sentence is worth, beside controls and beside baselines without a network."""

import streamlit as st

from aecore.schema import RunConfig
from aecore.service import Service
from aecore.store.views import RunView
from pages.components.sentences.corpus import choose_corpus
from pages.components.sentences.histograms import histograms
from pages.components.sentences.map import sentence_map
from pages.components.sentences.neighbours import neighbours
from pages.components.sentences.order import between, word_order
from pages.components.shared.runs import choose_run, explorable
from pages.components.shared.session import get_service, show_errors

SIMILARITY, NEIGHBOURS, ORDER, BETWEEN, MAP, CORPUS = (
    "Similarity", "Neighbours", "Word order", "Between two", "Map", "Corpus",
)  # fmt: skip
PRETRAINED = "sentence-reuters"
ALWAYS_HERE = "python-docs"


def page() -> None:
    """Draws the page."""
    service = get_service()
    st.title("Sentences", anchor=False)
    st.markdown(
        "A sentence autoencoder squeezes a sentence into one code and writes it down again. Whether two codes that "
        "are close mean two sentences that are alike is the question of this page: each figure stands beside its "
        "controls, and beside two baselines that need no network, the mean of the word vectors and TF-IDF with SVD."
    )
    with show_errors():
        runs = explorable(service, lambda run: run.config.hyper.modality == "sentences")
        if not runs:
            _nothing_yet(service)
            return
        run = choose_run(runs, default=PRETRAINED)
        assert run is not None
        views = {SIMILARITY: histograms, NEIGHBOURS: neighbours, ORDER: word_order, BETWEEN: between,
                 MAP: sentence_map, CORPUS: _corpus}  # fmt: skip
        view = st.segmented_control("View", list(views), default=SIMILARITY, required=True, key="view",
                                    bind="query-params", label_visibility="collapsed")  # fmt: skip
        with show_errors():
            views[view or SIMILARITY](service, run)


def _nothing_yet(service: Service) -> None:
    st.info(
        "No sentence autoencoder has been trained on this machine yet, and none came with the program. A small one "
        "learns the sentences of Python's own documentation, which are always here, in a few minutes.",
        icon=":material/notes:",
    )
    if st.button("Train one on Python docs", type="primary", icon=":material/play_arrow:", key="train-sentences"):
        with show_errors():
            with st.spinner("Reading the corpus; the first time takes up to a minute."):
                name = service.runs.train(RunConfig.make("sentence", ALWAYS_HERE, "quick"))
            st.switch_page("pages/train.py", query_params={"run": name})
    st.caption("Or choose the variant Sentence on the page Train, with another corpus or other settings.")
    st.header("Corpus", anchor=False)
    choose_corpus(service, ALWAYS_HERE)


def _corpus(service: Service, run: RunView) -> None:
    choose_corpus(service, run.config.dataset)


page()
