"""The page Sentences: with a small run of one's own, with the pretrained model and no data, and with nothing at all."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app.conftest import ScriptedWorker
from tests.app.reader import errors, texts, visit
from tests.sentences import corpus, trained

NAME = "sentence-reuters"


@pytest.fixture
def run(trained_once: Callable[[Callable[[], str]], str]) -> str:
    return trained_once(trained)


def test_nothing_was_trained_yet(worker: ScriptedWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pages.components.sentences.corpus.corpus_panel", lambda service, name: None
    )  # a minute of reading
    app = visit("sentences")
    assert "No sentence autoencoder has been trained" in texts(app)
    assert app.button(key="train-sentences").label == "Train one on Python docs"
    assert app.selectbox(key="chosen_corpus").value == "python-docs"
    assert not worker.jobs


def test_the_measure_stands_beside_its_controls(run: str) -> None:
    app = visit("sentences", run=run)
    titles = [metric.label for metric in app.metric]
    assert titles == ["Sentence and reconstruction", "Two random sentences", "Separation (ROC area)",
                      "Separation, untrained"]  # fmt: skip
    assert app.metric[0].value in texts(app)
    assert "the reconstruction is the closer one in" in texts(app)
    (table,) = app.dataframe
    assert len(table.value) == 10
    assert round(float(table.value["reconstruction"].iloc[0]), 3) <= 1
    assert len(app.get("vega_lite_chart")) == 1


def test_neighbours_under_three_representations(run: str) -> None:
    app = visit("sentences", run=run, view="Neighbours", sentence="the dog bit the xyzzy")
    assert [header.value for header in app.subheader] == ["Sentence autoencoder", "Mean of word vectors",
                                                          "TF-IDF with SVD"]  # fmt: skip
    lists = [element.proto.body for element in app.get("html") if 'class="near"' in element.proto.body]
    assert [text.count("<li>") for text in lists] == [5, 5, 5]
    assert "`xyzzy`" in texts(app)
    assert "Searched are 120 held-out sentences of little.csv" in texts(app)
    assert list(app.table[0].value.index) == ["Sentence autoencoder", "Mean of word vectors", "TF-IDF with SVD",
                                              "a sentence drawn at random"]  # fmt: skip
    before = app.text_input(key="sentence").value
    app.button(key="pick").click().run()
    assert app.text_input(key="sentence").value not in ("", before)
    assert not errors(app)


def test_the_mean_of_word_vectors_gives_exactly_one(run: str) -> None:
    app = visit(
        "sentences", run=run, view="Word order", first="the bank met the company", second="the xyzzy met the plugh"
    )
    rows = app.table[0].value
    assert rows.loc["the dog bit the man / the man bit the dog", "Mean of word vectors"] == "1 exactly"
    assert rows.loc["the dog bit the man / the man bit the dog", "Sentence autoencoder"] != "1 exactly"
    assert rows.loc["the bank met the company / the xyzzy met the plugh", "Mean of word vectors"] != "1 exactly"
    assert "`xyzzy`, `plugh`" in texts(app)
    app.text_input(key="first").set_value("the xyzzy met the plugh").run()
    app.text_input(key="second").set_value("the plugh met the xyzzy").run()
    assert "as the very same words" in texts(app)
    app.text_input(key="second").set_value("").run()
    assert "Type both sentences" in texts(app)
    assert not errors(app)


def test_odd_query_parameters_get_one_sentence(run: str) -> None:
    app = visit("sentences", run=run, view="Between two", to="...")
    assert not errors(app)
    assert "100% of the way" in "".join(element.proto.body for element in app.get("html"))
    odd = visit("sentences", run="nope", view="nope")
    assert [error for error in errors(odd) if "cannot be shown here" in error] == errors(odd)
    assert odd.get("vega_lite_chart"), "the page goes on with a run that is there"


def test_a_map_and_its_other_layout(run: str) -> None:
    app = visit("sentences", run=run, view="Map")
    assert "Rest on a point to read its sentence" in texts(app)
    app.selectbox(key="representation").select("Mean of word vectors").run()
    assert "PCA of the mean of word vectors" in texts(app)
    assert not errors(app)


def test_uploads(run: str) -> None:
    app = visit("sentences", run=run, view="Corpus")
    for name, data, complaint in (("a.txt", b"Too short.", "at least 20"), ("b.csv", b"\x00\x01", "b.csv")):
        app.file_uploader(key="own-text").set_value([(name, data, "text/plain")])
        next(button for button in app.button if button.label == "Add the text").click().run()
        assert not app.exception
        (error,) = errors(app)
        assert complaint in error
    app.file_uploader(key="own-vectors").set_value([("v.txt", b"the a b c\n", "text/plain")])
    next(button for button in app.button if button.label == "Add the vectors").click().run()
    assert len(errors(app)) == 1
    app.file_uploader(key="own-text").set_value([("mine.csv", corpus(60), "text/csv")])
    next(button for button in app.button if button.label == "Add the text").click().run()
    assert not app.exception
    assert not errors(app)
    assert app.success[0].value.startswith("mine.csv was added")
    assert str(app.selectbox(key="chosen_corpus").value).startswith("text-mine-")


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ("Similarity", "the reconstruction is the closer one in"),
        ("Between two", "straight line between the two sentences' codes"),
        ("Map", "rest on a point to read its topic"),
    ],
)
def test_the_pretrained_model_without_data(checkpoints: Path, view: str, expected: str) -> None:
    app = visit("sentences", view=view)
    assert app.selectbox(key="chosen_run").value == NAME
    assert expected in texts(app)
    assert not errors(app)
    if view == "Similarity":
        metrics = json.loads((checkpoints / NAME / "scorecard.json").read_text())["metrics"]
        assert f"{metrics['separation_auc']:.1%}" in texts(app)
