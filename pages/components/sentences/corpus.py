"""What a corpus holds, read in the background the first time; own texts and word vectors are added here."""

import functools
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from aecore.explore.corpora import VOCABULARY, Report
from aecore.service import Service
from pages.components.shared import query_parameters
from pages.components.shared.datasets import download_panel
from pages.components.shared.export import downloads
from pages.components.shared.redrawing import redraw
from pages.components.shared.session import show_errors
from pages.components.shared.vega import without_data

GLOVE = "glove-50"
MOST_MEGABYTES = 50  # of a text
MOST_VECTORS = 400  # of word vectors, which are held in memory: enough for those of 50 and of 100 numbers
HEIGHT = 240
NEXT = "corpus-next"


def choose_corpus(service: Service, default: str) -> None:
    """Draws the choice of a corpus, what it holds, and how to add others."""
    found = {status.name: status for status in service.data.datasets("sentences")}
    if NEXT in st.session_state:  # one that was just added
        st.session_state["chosen_corpus"] = st.session_state.pop(NEXT)
    name = query_parameters.pick(
        "Corpus", list(found), "corpus", default if default in found else next(iter(found)),
        lambda each: found[each].title + ("" if found[each].available else " (not here)"),
        complaint=f"There is no corpus '{{}}'; choose one of {', '.join(found)}.", always=True,
    )  # fmt: skip
    corpus_panel(service, name)
    _add(service)


def corpus_panel(service: Service, name: str) -> None:
    """Draws what a corpus holds; the first time it is read, how far that is."""
    status = service.data.dataset(name)
    if not status.available:
        st.warning(f"{status.title} is not on this machine. {status.how}")
        download_panel(service, name)
        return
    if service.corpora.report(name) is None and not service.corpora.status(name).error:
        service.corpora.prepare(name)

    def draw(now) -> None:
        if now.active:
            st.progress(now.share, text=f"Reading the corpus, once: {now.what or 'it begins'}")

    redraw(lambda: service.corpora.status(name), lambda now: now.active, draw)
    report, error = service.corpora.report(name), service.corpora.status(name).error
    if report is not None:
        _report(report, name)
    elif error:
        st.error(error)
        st.button("Try again", key=f"again-{name}", on_click=service.corpora.prepare, args=(name,))


def _report(report: Report, name: str) -> None:
    statistics = report.statistics
    row = st.columns(4)
    row[0].metric("Sentences", f"{statistics['sentences']:,}")
    row[1].metric("Documents", f"{statistics['documents']:,}")
    row[2].metric("Words in all", f"{statistics['tokens']:,}")
    row[3].metric("Distinct words", f"{statistics['words']:,}")
    st.caption(
        f"Sentences have {statistics['characters_min']:,} to {statistics['characters_max']:,} characters, "
        f"{statistics['characters_mean']:.1f} on average, half of them at most {statistics['characters_median']:g}; "
        f"{statistics['topics']:,} topics. Split by {report.splitter}. Numbers count as one word, 9."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        st.header("Length of the sentences", anchor=False)
        lengths = _lengths(report)
        st.vega_lite_chart(lengths, _lengths_spec(), key=f"lengths-{name}",
                           alt="Number of sentences by how many words they have.")  # fmt: skip
        more = f" {report.longer:,} longer ones are not drawn." if report.longer else ""
        st.caption(f"Half of the sentences have at most {statistics['tokens_median']:g} words.{more} A sentence length "
                   "that most sentences fit in loses little and trains faster.")  # fmt: skip
        downloads(f"lengths-{name}", table=lambda: lengths)
    with right:
        st.header("Coverage by the vocabulary", anchor=False)
        coverage = pd.DataFrame({"words": report.sizes, "share": report.coverage})
        st.vega_lite_chart(coverage, _coverage_spec(), key=f"coverage-{name}",
                           alt="Share of the text that is made up by so many of the most frequent words.")  # fmt: skip
        st.caption(f"The {VOCABULARY - 2:,} most frequent words, dashed, make up {statistics['coverage']:.1%} of the "
                   "text; all others are read as one unknown word.")  # fmt: skip
        downloads(f"coverage-{name}", table=lambda: coverage)
    st.header("Most frequent words", anchor=False)
    words = pd.DataFrame(report.words, columns=["word", "count"])
    st.vega_lite_chart(words, _words_spec(), key=f"words-{name}",
                       alt=f"The {len(words)} most frequent words with how often they occur.")  # fmt: skip
    downloads(f"frequent-words-{name}", table=lambda: words)
    st.header("Word vectors", anchor=False)
    for title, covered in report.vectors.items():
        message = covered if isinstance(covered, str) else f"{covered:.1%} of the words of the text have a vector"
        st.markdown(f"- {title}: {message}")
    st.caption(f"With a vocabulary of {VOCABULARY:,} words; words beyond it have no vector of their own.")


def _lengths(report: Report) -> pd.DataFrame:
    starts, ends = report.edges[:-1], report.edges[1:]
    return pd.DataFrame({"from": starts, "to": ends, "sentences": report.lengths})


def _add(service: Service) -> None:
    """Own texts and word vectors: added, downloaded, removed."""
    message = st.session_state.pop("added", None)
    if message:
        st.success(message)
    form = st.expander("Add a text of your own", icon=":material/upload_file:").form("add-text", border=False)
    with form:
        file = st.file_uploader("Text (.txt or .csv, UTF-8, at least 20 sentences)", ["txt", "csv"], key="own-text",
                                max_upload_size=MOST_MEGABYTES)  # fmt: skip
        if st.form_submit_button("Add the text", icon=":material/add:"):
            if file is None:
                st.error("Choose a .txt or .csv file first.")
            else:
                with show_errors():
                    st.session_state[NEXT] = service.data.add_text(file.name, file.getvalue())
                    st.session_state["added"] = f"{file.name} was added; it can be chosen as a dataset on Train."
                    st.rerun()
    glove = service.data.dataset(GLOVE)
    with st.expander("Word vectors (GloVe)", icon=":material/translate:"):
        if glove.available:
            st.markdown(f"**{glove.title}** is here: `{glove.where}`.")
        else:
            st.markdown(
                f"**{glove.title}** is not here. {glove.how} Without it, vectors are made from the text itself."
            )
            download_panel(service, GLOVE)
        with st.form("add-vectors", border=False):
            file = st.file_uploader("Word vectors in GloVe's format (.txt: a word and its numbers on each line)", "txt",
                                    key="own-vectors", max_upload_size=MOST_VECTORS)  # fmt: skip
            if st.form_submit_button("Add the vectors", icon=":material/add:"):
                if file is None:
                    st.error("Choose a .txt file first.")
                else:
                    with show_errors():
                        name = service.data.add_vectors(file.name, file.getvalue())
                        st.session_state["added"] = f"{service.data.dataset(name).title}: added."
                        st.rerun()
    own = [status for status in service.data.datasets("sentences") if status.name.startswith("text-")]
    if own:
        with st.expander("Remove a text of your own", icon=":material/delete:"):
            for status in own:
                if st.button(f"Remove {status.title}", key=f"remove-{status.name}"):
                    with show_errors():
                        service.data.remove_text(status.name)
                        st.session_state["added"] = f"{status.title} was removed; runs that learnt it stay."
                        st.rerun()


@functools.lru_cache(maxsize=1)
def _lengths_spec() -> dict[str, Any]:
    chart = alt.Chart(alt.NamedData("lengths")).mark_bar()
    return _plain(chart.encode(
        alt.X("from:Q", title="words in the sentence", bin="binned"),
        alt.X2("to:Q"),
        alt.Y("sentences:Q"),
        tooltip=["from:Q", "to:Q", alt.Tooltip("sentences:Q", format=",")],
    ))  # fmt: skip


@functools.lru_cache(maxsize=1)
def _coverage_spec() -> dict[str, Any]:
    x = alt.X("words:Q", title="size of the vocabulary", scale=alt.Scale(type="log", nice=False),
              axis=alt.Axis(format="~s"))  # fmt: skip
    line = alt.Chart(alt.NamedData("coverage")).mark_line().encode(
        x, alt.Y("share:Q", title="share of the text", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")),
        tooltip=[alt.Tooltip("words:Q", format=","), alt.Tooltip("share:Q", format=".1%")],
    )  # fmt: skip
    rule = (
        alt.Chart(alt.NamedData("coverage"))
        .mark_rule(strokeDash=[5, 4], color="#808495")
        .encode(x=alt.datum(VOCABULARY - 2))
    )
    return _plain(alt.layer(line, rule))


@functools.lru_cache(maxsize=1)
def _words_spec() -> dict[str, Any]:
    chart = alt.Chart(alt.NamedData("words")).mark_bar()
    return _plain(chart.encode(
        alt.X("count:Q", title="times in the text", axis=alt.Axis(tickCount=5)),
        alt.Y("word:N", title=None, sort=None, axis=alt.Axis(labelOverlap=False)),
        tooltip=["word:N", alt.Tooltip("count:Q", format=",")],
    ), height=2 * HEIGHT)  # fmt: skip


def _plain(chart: Any, height: int = HEIGHT) -> dict[str, Any]:
    return without_data(chart.properties(height=height))
