"""The Train page: the form, the URL, the buttons, what is drawn of a run."""

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from aecore.schema import VARIANTS
from tests.app.conftest import ScriptedWorker
from tests.app.reader import errors, status_is, until, visit


@pytest.mark.parametrize("name", list(VARIANTS))
def test_every_preset_of_a_variant_fills_the_form(train: AppTest, name: str) -> None:
    train.selectbox(key="variant").select(name).run()
    for preset in VARIANTS[name].presets:
        train.selectbox(key="preset").select(preset).run()
        assert not train.exception
        assert not errors(train)
        expected = VARIANTS[name].make(preset)
        assert train.number_input(key="field_code_size").value == expected.model_dump()["code_size"]
        assert f"**{expected.parameters((28, 28, 1)):,}** parameters" in "\n".join(m.value for m in train.markdown)


def test_form_has_a_help_text_on_every_field(train: AppTest) -> None:
    widgets = (*train.number_input, *train.selectbox, *train.text_input, *train.slider, *train.toggle)
    fields = {str(widget.key): widget for widget in widgets if str(widget.key).startswith("field_")}
    assert {"field_code_size", "field_hidden", "field_noise", "field_tied_weights"} <= fields.keys()
    for key, widget in fields.items():
        assert widget.help, key


def test_button_trains_what_the_form_says(train: AppTest, worker: ScriptedWorker) -> None:
    train.selectbox(key="variant").select("sparse").run()
    train.number_input(key="field_code_size").set_value(77).run()
    train.text_input(key="field_hidden").set_value("200,100").run()
    train.button(key="train").click().run()
    assert not train.exception
    (job,) = worker.jobs
    fields = job.config["fields"]
    assert (job.config["variant"], fields["code_size"], list(fields["hidden"])) == ("sparse", 77, [200, 100])


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("field_hidden", "a,b", "hidden takes whole numbers"),
        ("field_hidden", "0", "hidden takes whole numbers"),
    ],
)
def test_bad_text_is_reported_beside_the_field_and_nothing_trains(
    train: AppTest, key: str, value: str, sentence: str
) -> None:
    train.text_input(key=key).set_value(value).run()
    assert not train.exception
    assert any(sentence in error for error in errors(train))
    assert train.button(key="train").disabled
    train.text_input(key=key).set_value("64").run()
    assert not errors(train)
    assert not train.button(key="train").disabled


def test_number_out_of_range_is_reported_in_words(train: AppTest) -> None:
    train.number_input(key="field_code_size").set_value(0).run()
    assert "code_size takes a whole number from 1 to 4096; received '0'." in errors(train)
    assert train.button(key="train").disabled


def test_values_that_do_not_go_together_are_reported_at_the_field(train: AppTest) -> None:
    train.selectbox(key="field_loss").select("bce").run()
    train.selectbox(key="field_output_activation").select("linear").run()
    assert any("choose output_activation sigmoid" in error for error in errors(train))


def test_url_opens_the_page_as_it_was(worker: ScriptedWorker) -> None:
    app = visit("train", variant="denoising", preset="book", noise_std="0.8", hidden="300")
    assert app.selectbox(key="variant").value == "denoising"
    assert app.slider(key="field_noise_std").value == 0.8
    assert app.slider(key="field_noise_mean").value == 0.5
    assert app.text_input(key="field_hidden").value == "300"
    assert app.query_params["noise_std"] == "0.8"
    assert "noise_mean" not in app.query_params
    assert not worker.jobs


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"variant": "nope"}, "There is no variant 'nope'"),
        ({"preset": "nope"}, "There is no preset 'nope'"),
        ({"dataset": "nope"}, "There is no dataset 'nope'"),
        ({"speed": "nope"}, "There is no speed 'nope'"),
        ({"code_size": "-3"}, "code_size takes a whole number"),
        ({"noise": "gaussian", "noise_std": "99"}, "noise_std takes a number"),
        ({"run": "nope"}, "There is no run 'nope'."),
        ({"variant": "sparse", "run": "nope"}, "There is no run 'nope'."),
    ],
)
def test_bad_url_gets_one_sentence_and_a_working_page(worker: ScriptedWorker, query: dict, sentence: str) -> None:
    app = visit("train", **query)
    assert not app.exception
    assert sum(sentence in error for error in errors(app)) == 1
    assert not app.button(key="train").disabled
    assert not worker.jobs


def test_fields_that_come_and_go_keep_their_values(train: AppTest) -> None:
    train.selectbox(key="variant").select("denoising").run()
    train.slider(key="field_noise_std").set_value(0.85).run()
    train.selectbox(key="field_noise").select("none").run()
    assert "field_noise_std" not in [slider.key for slider in train.slider]
    train.selectbox(key="field_noise").select("gaussian").run()
    assert train.slider(key="field_noise_std").value == 0.85


def test_choices_survive_a_visit_to_another_page(train: AppTest) -> None:
    train.selectbox(key="variant").select("stacked").run()
    train.number_input(key="field_code_size").set_value(7).run()
    train.switch_page("pages/home.py").run()
    train.switch_page("pages/train.py").run()
    assert train.selectbox(key="variant").value == "stacked"
    assert train.number_input(key="field_code_size").value == 7


def test_missing_dataset_says_what_to_do_and_offers_a_download(train: AppTest) -> None:
    train.selectbox(key="dataset").select("mnist").run()
    (warning,) = train.warning
    assert "mnist.npz" in warning.value
    assert "Digits need no download" in warning.value
    assert train.button(key="train").disabled
    assert train.button(key="download-mnist")


def test_noise_is_shown_on_real_digits(train: AppTest) -> None:
    train.selectbox(key="variant").select("denoising").run()
    images: Any = train.get("image")
    assert any("the same with the noise" in caption for image in images for caption in image.captions)


def test_empty_page_says_what_to_do(train: AppTest) -> None:
    (info,) = train.info
    assert "press the button above" in info.value


def test_run_is_drawn_from_start_to_scorecard(train: AppTest, worker: ScriptedWorker) -> None:
    train.button(key="train").click().run()
    until(train, lambda page: status_is("running")(page) and len(page.get("vega_lite_chart")) == 2)
    shown = "\n".join(element.value for element in train.markdown)
    assert "CPU, 2 cores on scripted" in shown
    progress: Any = train.get("progress")[0]
    assert "Epoch 2 of 60" in progress.text
    worker.end.set()
    until(train, status_is("finished"))
    table = train.table[0].value
    assert table.loc["Mean squared error"].tolist()[:2] == ["0.0123", "0.0234"]
    assert table.loc["5-NN accuracy on the codes"].tolist()[:2] == ["0.91", "0.87"]


def test_pause_resume_and_stop_reach_the_run(train: AppTest, worker: ScriptedWorker) -> None:
    train.button(key="train").click().run()
    until(train, status_is("running"))
    train.button(key="do-Pause").click().run()
    until(train, status_is("paused"))
    assert train.button(key="do-Pause").disabled
    train.button(key="do-Resume").click().run()
    until(train, status_is("running"))
    assert worker.jobs[-1].checkpoint == b"checkpoint"
    assert worker.jobs[-1].attempt == 2
    train.button(key="do-Stop").click().run()
    until(train, status_is("stopped"))


def test_speed_is_reported_to_the_run_and_kept_in_the_url(train: AppTest, worker: ScriptedWorker) -> None:
    train.button(key="train").click().run()
    until(train, status_is("running"))
    train.selectbox(key="speed").select("5 steps a second").run()
    assert worker.commands[-1].steps_per_second == 5.0
    assert train.query_params["speed"] == "5 steps a second"


def test_what_only_a_variant_has_to_show_is_drawn(train: AppTest, worker: ScriptedWorker) -> None:
    rng = np.random.default_rng(0)
    worker.visualizations = {
        "tiles": rng.normal(size=(8, 3, 3)).astype(np.float16),
        "maps": rng.normal(size=(8, 14, 14)).astype(np.float16),
        "kl": np.array([2.5, 0.001], np.float16),
        "samples": rng.integers(0, 255, (20, 28, 28), dtype=np.uint8),
        "manifold": rng.integers(0, 255, (144, 28, 28), dtype=np.uint8),
    }
    worker.parts = {"reconstruction": 90.0, "val_reconstruction": 91.0, "kl": 5.0, "val_kl": 5.1}
    train.selectbox(key="variant").select("variational").run()
    train.button(key="train").click().run()
    until(train, lambda page: len(page.get("vega_lite_chart")) == 5)  # loss, codes, two terms, KL of each unit
    headings = [header.value for header in train.header]
    for heading in ("Kernels", "Feature maps", "KL of each unit of the code", "The plane of codes"):
        assert heading in headings
    assert "Weights" not in headings
    assert "1 of 2 units have collapsed" in "\n".join(caption.value for caption in train.caption)


def test_a_field_that_has_no_effect_cannot_lock_the_form(train: AppTest) -> None:
    train.selectbox(key="variant").select("variational").run()
    train.selectbox(key="field_network").select("convolutional").run()
    train.text_input(key="field_filters").set_value("8").run()
    assert any("halvings takes at most" in error for error in errors(train))
    train.selectbox(key="field_network").select("dense").run()
    assert not errors(train)
    assert not train.button(key="train").disabled
    train.selectbox(key="field_network").select("convolutional").run()
    train.text_input(key="field_filters").set_value("8,x").run()
    train.selectbox(key="field_network").select("dense").run()
    assert any("filters takes whole numbers" in error for error in errors(train)), "it says where to look"
