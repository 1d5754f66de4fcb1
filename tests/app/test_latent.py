"""The page Latent space on a machine without data: pretrained models, their figures, choices in the URL."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.components.latent.walk import SLIDERS
from tests.app.conftest import ScriptedWorker
from tests.app.reader import APP, CHECKPOINTS, errors, status_is, texts, until, visit


def points_sent(app: AppTest) -> dict[str, Any]:
    """What the browser is told to draw."""
    found = [json.loads(part.proto.json) for part in app.get("bidi_component") if part.proto.json]
    return next(data for data in found if not data["place"])


def pictures_drawn(app: AppTest) -> list[str]:
    """Addresses of the pictures, which follow from what they show."""
    parts: Any = app.get("image")
    return [url for part in parts for url in part.value]


def test_where_nothing_has_learnt_anything_it_says_what_to_do(
    worker: ScriptedWorker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del worker
    monkeypatch.setenv("AECORE_CHECKPOINTS", str(tmp_path))
    app = visit("latent")
    assert not app.exception
    (info,) = app.info
    assert "train a model first" in info.value
    assert not app.get("bidi_component")


@pytest.mark.parametrize("name", ["stacked-2", "variational-20", "denoising"])
def test_metrics_are_those_of_the_scorecard(checkpoints: Path, name: str) -> None:
    del checkpoints
    app = visit("latent", run=name)
    assert not app.exception
    assert not errors(app)
    scores = json.loads((CHECKPOINTS / name / "scorecard.json").read_text())["metrics"]
    shown = [(metric.label, metric.value) for metric in app.metric]
    assert shown[0] == ("5-NN accuracy", f"{scores['pca_knn5_accuracy']:.1%}")
    assert shown[1] == ("trustworthiness", f"{scores['pca_trustworthiness']:.4g}")
    assert shown[3] == ("5-NN accuracy", f"{scores['knn5_accuracy']:.1%}")
    assert shown[4] == ("trustworthiness", f"{scores['trustworthiness']:.4g}")
    assert shown[2][0] == shown[5][0] == "silhouette*"
    assert "2,000 of 10,000 held-out images, drawn at random" in texts(app)
    assert "a thumbnail is what the model draws" in texts(app)


def test_what_belongs_to_a_kind_of_model_is_shown(checkpoints: Path) -> None:
    del checkpoints
    plane = visit("latent", run="variational-2")
    assert "The plane of codes" in texts(plane)
    assert "Drawn from the prior" in texts(plane)
    assert "Shoemake, 1985" in texts(plane)
    assert [slider.key for slider in plane.slider] == ["walk_x", "walk_y"]
    longer = visit("latent", run="stacked-30")
    assert "The plane of codes" not in texts(longer)
    assert "Drawn from the prior" not in texts(longer)
    assert "Shoemake" not in texts(longer)
    assert len(longer.slider) == SLIDERS


def test_the_query_parameters_opens_the_page_as_it_was(checkpoints: Path) -> None:
    del checkpoints
    app = visit("latent", run="variational-20", beside="stacked-30", points="500", sample="3", space="true",
                 classes="3,8",
                 thumbnails="true", d2="1.5", from_class="1", prior="4")  # fmt: skip
    assert not app.exception
    assert not errors(app)
    sent = points_sent(app)
    assert [panel["dims"] for panel in sent["panels"]] == [3, 3]
    assert "stacked-30" in sent["panels"][0]["title"]
    assert (sent["shown"], sent["thumbnails"]) == ([3, 8], True)
    assert "500 of 10,000 held-out images" in texts(app)
    assert "(draw 3)" in texts(app)
    assert app.slider(key="d2").value == 1.5
    assert app.selectbox(key="from_class").value == "1"
    assert app.number_input(key="prior").value == 4
    assert app.query_params["beside"] == "stacked-30"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"run": "nobody"}, "The run 'nobody' cannot be shown here"),
        ({"beside": "nobody"}, "'nobody' cannot stand beside stacked-2"),
        ({"classes": "3,x"}, "classes takes numbers from 0 to 9"),
    ],
)
def test_a_bad_query_parameters_gets_one_sentence_and_a_working_page(
    checkpoints: Path, query: dict[str, str], sentence: str
) -> None:
    del checkpoints
    app = visit("latent", **query)
    assert not app.exception
    assert sum(sentence in error for error in errors(app)) == 1
    assert len(errors(app)) == 1
    assert points_sent(app)


def test_a_point_is_shown_with_its_neighbours_and_starts_a_walk(checkpoints: Path) -> None:
    del checkpoints
    app = visit("latent", run="stacked-30", points="500")
    before = pictures_drawn(app)
    held_out = np.load(CHECKPOINTS / "stacked-30" / "held_out.npz")
    position, label = int(held_out["indices"][123]), int(held_out["labels"][123])
    app.number_input(key="point").set_value(position).run()
    assert not app.exception
    assert f"Image {position}, class {label}." in texts(app)
    assert "Nearest in **the code**" in texts(app)
    assert "Nearest in **the pixels' first 30 principal components**" in texts(app)
    assert points_sent(app)["picked"] == position
    codes = held_out["codes"][:500].astype(np.float32)
    nearest = np.argsort(np.linalg.norm(codes - codes[123], axis=1), kind="stable")[1:9]
    assert points_sent(app)["near"][1] == [int(held_out["indices"][row]) for row in nearest]
    assert len(pictures_drawn(app)) == len(before) + 3
    walked = pictures_drawn(app)[3]
    app.selectbox(key="start").select("the image looked at").run()
    assert pictures_drawn(app)[3] != walked, "the walk starts from the image"


def test_an_image_that_was_not_drawn_is_reported(checkpoints: Path) -> None:
    del checkpoints
    held_out = np.load(CHECKPOINTS / "stacked-2" / "held_out.npz")
    missing = next(k for k in range(10_000) if k not in held_out["indices"])
    app = visit("latent", run="stacked-2", point=str(missing))
    assert not app.exception
    assert [info.value for info in app.info] == [
        f"Image {missing} is not among the 2,000 points that were drawn: pick one of them, or draw more."
    ]


def test_sliders_line_and_prior_draw_something_else(checkpoints: Path) -> None:
    del checkpoints
    app = visit("latent", run="variational-20", points="500")
    walk, line, prior = pictures_drawn(app)
    app.slider(key="d1").set_value(2.0).run()
    assert [one == other for one, other in zip(pictures_drawn(app), (walk, line, prior), strict=True)] == [
        False, True, True]  # fmt: skip
    next(button for button in app.button if button.label == "Back to the start").click().run()
    assert pictures_drawn(app) == [walk, line, prior]
    app.selectbox(key="to_class").select("1").run()
    assert pictures_drawn(app)[1] != line
    next(button for button in app.button if button.label == "Draw again").click().run()
    assert pictures_drawn(app)[2] != prior
    assert app.query_params["prior"] in ("1", ["1"])


def test_tsne_is_computed_when_it_is_asked_for(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del checkpoints
    asked: list[int] = []

    def embedding(codes: np.ndarray, dims: int) -> np.ndarray:
        asked.append(len(codes))
        return codes[:, :dims]

    app = visit("latent", run="stacked-30", points="500")
    monkeypatch.setattr("aecore.analysis.projections.neighbour_embedding", embedding)
    app.selectbox(key="view").select("t-SNE").run()
    assert "component 1" in points_sent(app)["panels"][1]["axes"][0]
    assert not asked
    next(button for button in app.button if button.label == "Compute t-SNE").click().run()
    assert points_sent(app)["panels"][1]["axes"] == ["t-SNE 1", "t-SNE 2"]
    app.run()
    assert asked == [500], "once"


def test_weights_that_cannot_be_read_are_reported_in_one_sentence(checkpoints: Path, worker: ScriptedWorker) -> None:
    del checkpoints
    app = AppTest.from_file(APP, default_timeout=120).run()
    app.button(key="first").click().run()
    until(app, status_is("running"))
    (job,) = worker.jobs
    app = visit("latent", run=job.run)
    assert not app.exception
    assert len(errors(app)) == 1
    assert app.selectbox(key="chosen_run").value == job.run
    assert not app.get("bidi_component")
    app.selectbox(key="chosen_run").select("stacked-2").run()
    assert not errors(app)
    assert app.get("bidi_component")
