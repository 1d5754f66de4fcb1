"""The pages Weights and Replay over pretrained models that are really asked, on a machine without data."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import ScriptedWorker
from tests.app.reader import errors, texts, until, visit


def metrics(app: AppTest) -> dict[str, list[str]]:
    (table,) = app.table
    return {str(row[0]): [str(cell) for cell in row[1:]] for row in table.value.reset_index().to_numpy()}


def test_nothing_to_look_at_says_what_to_do(worker: ScriptedWorker) -> None:
    for page in ("weights", "replay"):
        app = visit(page)
        assert "train a model first" in app.info[0].value
        assert not errors(app)


def test_the_standard_and_the_sparse_autoencoder_differ_side_by_side(checkpoints: Path) -> None:
    app = visit("weights", run="vanilla", **{"with": "sparse-l1"})
    assert not errors(app)
    assert (app.selectbox(key="chosen_run").value, app.selectbox(key="chosen_with").value) == ("vanilla", "sparse-l1")
    found = metrics(app)
    standard, sparse = (float(value) for value in found["mean activation ρ̂"])
    assert sparse < standard / 2
    dense, fewer = (float(value) for value in found["effective number of units"])
    assert fewer < dense < 128
    assert found["units"] == ["128", "128"]
    assert "MNIST itself is not on this machine" in texts(app)
    assert "decodes from their codes" in texts(app)
    assert len(app.number_input) == 2, "a unit of each can be picked"
    assert len(app.get("vega_lite_chart")) == 5


def test_every_choice_is_in_the_query_parameters_and_comes_back_from_it(checkpoints: Path) -> None:
    app = visit("weights", run="vanilla")
    assert "layer" not in app.query_params, "the URL names only what differs"
    app.selectbox(key="chosen_layer").select("decoder_1").run()
    app.selectbox(key="chosen_sort").select("norm").run()
    app.selectbox(key="chosen_limit").select("100").run()
    app.number_input(key="chosen_unit").set_value(17).run()
    app.selectbox(key="chosen_with").select("sparse-kl").run()
    assert not app.exception
    query = {name: app.query_params[name] for name in ("run", "with", "layer", "sort", "limit", "unit")}
    again = visit("weights", **query)
    assert {name: again.query_params[name] for name in query} == query
    assert again.number_input(key="chosen_unit").value == 17
    assert again.selectbox(key="chosen_layer").value == "decoder_1"
    assert "The decoder's dictionary" in texts(again)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"layer": "encoder_99"}, "Layer 'encoder_99' is not among the choices"),
        ({"unit": "0"}, "Unit of vanilla '0' is not among the choices: take one from 1 to 128"),
        ({"unit": "many"}, "take one from 1 to 128"),
        ({"sort": "beauty"}, "Sorted by 'beauty' is not among the choices"),
        ({"with": "nobody"}, "Beside it 'nobody' is not among the choices"),
        ({"run": "nobody"}, "The run 'nobody' cannot be shown here"),
    ],
)
def test_bad_query_parameters_get_one_sentence(checkpoints: Path, query: dict[str, str], sentence: str) -> None:
    app = visit("weights", **({"run": "vanilla"} | query))
    assert [error for error in errors(app) if sentence in error] == errors(app)
    assert len(errors(app)) == 1
    assert app.table


def test_a_convolutional_model_has_kernels_and_feature_maps(checkpoints: Path) -> None:
    app = visit("weights", run="convolutional-64", layer="encoder_2", image="7")
    assert not errors(app)
    shown = texts(app)
    assert "Kernels" in shown
    assert "Feature maps" in shown
    assert "a held-out image of Digits" in shown
    assert app.selectbox(key="chosen_image").value == "7"
    app.selectbox(key="chosen_layer").select("encoder_7").run()
    assert "Feature maps" not in texts(app)


def test_a_run_whose_weights_cannot_be_read_says_so(checkpoints: Path, worker: ScriptedWorker) -> None:
    train = visit("train")
    train.button(key="train").click().run()
    until(train, lambda app: len(app.get("vega_lite_chart")) == 2)  # loss and codes
    (job,) = worker.jobs
    app = visit("weights", run=job.run)
    assert len(errors(app)) == 1


def test_the_slider_moves_everything_and_the_query_parameters(checkpoints: Path) -> None:
    app = visit("replay", run="stacked-2")
    assert not errors(app)
    assert "snapshot 12 of 12" in texts(app)
    assert "at" not in app.query_params
    slider = app.select_slider(key="slider_stacked-2")
    slider.set_value(3).run()
    assert "After epoch 2.603 of 120: snapshot 4 of 12." in texts(app)
    assert app.query_params["at"] == ["2.60341"] or app.query_params["at"] == "2.60341"
    app.button(key="forward-stacked-2").click().run()
    assert "snapshot 5 of 12" in texts(app)
    again = visit("replay", run="stacked-2", at="3.5", codes="raw", pace="4")
    assert "After epoch 3.484 of 120" in texts(again)
    assert "the whole cloud may turn, shift or flip" in texts(again)
    assert again.selectbox(key="chosen_pace").value == "4"


def test_playing_goes_through_all_snapshots_and_ends(checkpoints: Path) -> None:
    app = visit("replay", run="vanilla")
    app.button(key="play-vanilla").click().run()
    seen: list[Any] = [app.select_slider(key="slider_vanilla").value]
    while app.button(key="play-vanilla").label == "Stop playing":
        app.run()
        seen.append(app.select_slider(key="slider_vanilla").value)
        assert len(seen) < 30
    assert float(str(seen[0])) <= 1
    assert float(str(seen[-1])) == 11
    assert seen == sorted(seen, key=lambda position: float(str(position)))


def test_a_moment_that_is_no_number_gets_one_sentence(checkpoints: Path) -> None:
    app = visit("replay", run="vanilla", at="soon")
    assert errors(app) == ["The epoch 'soon' in the URL is no number: move the slider instead."]
    assert "snapshot 12 of 12" in texts(app)


def test_a_run_with_one_snapshot_has_no_slider_yet(worker: ScriptedWorker) -> None:
    train = visit("train")
    train.button(key="train").click().run()
    until(train, lambda app: len(app.get("vega_lite_chart")) == 2)  # loss and codes
    app = visit("replay", run=worker.jobs[0].run)
    assert "as soon as there are two snapshots" in texts(app)
    assert not app.select_slider
