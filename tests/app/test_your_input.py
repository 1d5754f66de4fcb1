"""Your input: what a visitor without a pointer can do, and what is said when something cannot be used."""

import numpy as np

from tests.app.conftest import ScriptedWorker
from tests.app.reader import errors, headers, texts, visit
from tests.unit.images.test_upload import packed, seven


def test_an_empty_pad_says_what_to_do(worker: ScriptedWorker) -> None:
    del worker
    app = visit("your_input")
    assert not errors(app)
    assert "The pad is empty: draw a digit" in texts(app)
    assert "Train one first" in texts(app), "no model is on this machine"
    assert "Side by side" not in headers(app)


def test_a_held_out_digit_through_three_models(checkpoints: None) -> None:
    del checkpoints
    app = visit("your_input", source="Held-out", image="3", noise="Gaussian", std="0.4")
    assert not errors(app)
    assert app.query_params["runs"] == "denoising,convolutional-denoising,vanilla"
    shown = texts(app)
    for name in ("denoising", "convolutional-denoising", "vanilla", "PCA", "median filter", "non-local means"):
        assert f"**{name}**" in shown
    assert shown.count("PSNR ") >= 7
    assert "1,437 training images of digits, as mnist is not on this machine" in shown
    before = shown
    app.slider(key="std").set_value(0.1).run()
    assert not app.exception
    assert texts(app) != before, "other noise, other figures"


def test_runs_and_noise_come_from_the_query_parameters(checkpoints: None) -> None:
    del checkpoints
    app = visit("your_input", source="Held-out", runs="stacked-30", noise="masking", share="0.6", components="7")
    assert not errors(app)
    assert app.multiselect(key="chosen_runs").value == ["stacked-30"]
    assert app.slider(key="share").value == 0.6
    assert "**stacked-30**" in texts(app)
    assert "**vanilla**" not in texts(app)
    assert "PCA: 7 components" in texts(app)


def test_a_run_that_does_not_exist_is_reported(checkpoints: None) -> None:
    del checkpoints
    app = visit("your_input", source="Held-out", runs="vanilla,nothing")
    (error,) = errors(app)
    assert error.startswith("The run 'nothing' cannot be shown here")
    assert app.multiselect(key="chosen_runs").value == ["vanilla"]


def test_an_upload_shows_its_steps_and_a_bad_one_a_sentence(checkpoints: None) -> None:
    del checkpoints
    app = visit("your_input", source="Upload", runs="vanilla", noise="none")
    assert "Choose a picture" in texts(app)
    app.file_uploader(key="picture").set_value(
        [("seven.png", packed(seven(background=240, ink=20)), "image/png")]
    ).run()
    assert not app.exception
    assert not errors(app)
    for k, step in enumerate(("Grey", "Inverted", "Contrast", "Cropped", "Scaled", "Centred"), 1):
        assert f"**{k}. {step}.**" in texts(app)
    assert "**vanilla**" in texts(app)
    app.file_uploader(key="picture").set_value([("notes.png", b"This is text.", "image/png")]).run()
    assert not app.exception
    (error,) = errors(app)
    assert error.startswith("The file is no image that can be read here")
    assert "Side by side" not in headers(app)


def test_the_sweep_draws_curves_and_keeps_them(checkpoints: None) -> None:
    del checkpoints
    app = visit("your_input", source="Held-out", runs="denoising,vanilla", over="digits")
    assert not app.get("vega_lite_chart")
    app.button(key="sweep").click().run(timeout=300)
    assert not app.exception
    assert not errors(app)
    assert len(app.get("vega_lite_chart")) == 1
    assert "64 held-out images of digits" in texts(app)
    frame = app.session_state["sweeps"].popitem()[1]
    app.run()
    mean = frame.pivot_table(index="strength", columns="method", values="psnr")
    assert mean.shape == (9, 5)
    assert np.isfinite(mean).all(axis=None)
    assert mean.loc[0.5, "denoising"] > mean.loc[0.5, "vanilla"] + 3, "what learnt on noise removes it"


def test_the_sweep_of_ones_own_input_asks_for_one(checkpoints: None) -> None:
    del checkpoints
    app = visit("your_input")
    assert app.selectbox(key="over").value == "your input", "the pretrained models' images are not here"
    assert "Draw, upload or choose a digit above" in texts(app)
