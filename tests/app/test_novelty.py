"""Novelty: what a visitor sees without a run for it, while one trains, and of one that has learnt."""

import re
from collections.abc import Callable

import pytest

from aecore.compute.backend import InProcess
from aecore.schema import RunConfig
from aecore.service import Service
from tests.app.conftest import ScriptedWorker
from tests.app.reader import errors, headers, texts, visit


def without_six() -> str:
    service = Service(backend=InProcess())
    config = RunConfig.make("vanilla", "digits", "quick", {"left_out": "6", "epochs": 30})
    name = [name for name, _ in service.runs.watch(config)][-1]
    service.close()
    return name


@pytest.fixture
def trained(trained_once: Callable[[Callable[[], str]], str]) -> str:
    """A run without the class 6, really trained."""
    return trained_once(without_six)


def test_without_a_run_the_page_offers_to_train_one(worker: ScriptedWorker) -> None:
    app = visit("novelty")
    assert not errors(app)
    assert "No run on this machine has a class left out" in texts(app)
    assert "ROC curve" not in headers(app)
    app.selectbox(key="without").set_value("4").run()
    app.selectbox(key="by").set_value("vanilla").run()
    app.button(key="train-novelty").click().run()
    assert not app.exception
    (job,) = worker.jobs
    assert (job.config["variant"], job.config["dataset"], job.config["preset"]) == ("vanilla", "digits", "quick")
    assert job.config["fields"]["left_out"] == "4"
    bars = [bar.proto.text for bar in app.get("progress")]
    assert any("Vanilla on digits without class 4" in text for text in bars), bars


def test_a_run_that_left_a_class_out_detects_it(trained: str) -> None:
    app = visit("novelty", run=trained)
    assert not errors(app)
    assert {"Reconstruction error", "ROC curve", "At this threshold", "The most and the least novel"} <= {*headers(app)}
    assert len(app.get("vega_lite_chart")) == 3
    text = texts(app)
    assert "Class **6** was left out of digits: 37 of 360 held-out images" in text
    assert "small differences mean nothing" in text
    own, pca = (float(area) for area in re.findall(r"\*\*(0\.\d{3})\*\* \(± 0\.0\d\d\) for", text))
    assert own > 0.7
    assert 0.5 < pca <= 1
    table = app.table[0].value
    assert int(table.loc["false alarms", "this run"]) == 16, "five per cent of 323"
    assert int(table.loc["hits", "this run"]) + int(table.loc["missed", "this run"]) == 37
    app.slider(key="allowed").set_value(30).run()
    assert not app.exception
    assert int(app.table[0].value.loc["false alarms", "this run"]) == 96
    assert int(app.table[0].value.loc["hits", "this run"]) >= int(table.loc["hits", "this run"])


def test_the_query_parameters_names_pcas_code_size_where_it_is_not_the_runs(trained: str) -> None:
    app = visit("novelty", run=trained, pca="5")
    assert "for PCA with 5 components" in texts(app)
    (slider,) = [slider for slider in app.slider if slider.label == "PCA's code size"]
    slider.set_value(16).run()
    assert "for PCA with 16 components" in texts(app)
    assert "pca" not in app.query_params
    assert "for PCA with 16 components" in texts(visit("novelty", run=trained, pca="many"))


def test_a_run_that_does_not_suit_is_reported(trained: str) -> None:
    app = visit("novelty", run="nothing")
    (error,) = errors(app)
    assert error.startswith("The run 'nothing' cannot be shown here")
    assert app.selectbox(key="chosen_run").value == trained
