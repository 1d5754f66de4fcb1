"""Novelty: a class that is left out is not trained on, in every way a run is described; errors as alarms."""

import json
from pathlib import Path

import numpy as np
import pytest

from aecore.datasets import load, status
from aecore.datasets.evaluation import images_of
from aecore.errors import BadInput
from aecore.explore.novelty import Detector, Novelty, errors_of
from aecore.messages.jobs import RECONSTRUCT, Operation
from aecore.schema import VARIANTS, RunConfig
from aecore.settings import CHECKPOINTS, Settings
from aecore.store.bundles import open_bundle
from aecore.store.views import RunView

IMAGES = [name for name, kind in VARIANTS.items() if kind.modality == "images"]


# What is trained on


@pytest.mark.parametrize("held_out", ["test", "validation"])
def test_a_class_left_out_is_not_trained_on_and_still_held_out(held_out: str, tmp_path: Path):
    settings = Settings(home=tmp_path)
    config = RunConfig.make("vanilla", "digits", None, {"held_out": held_out})
    whole, part = images_of(config, settings), images_of(config.changed(left_out="8"), settings)
    assert sorted(set(part.y_train.tolist())) == [0, 1, 2, 3, 4, 5, 6, 7, 9]
    assert len(part.x_train) == len(part.y_train) == (whole.y_train != 8).sum()
    assert np.array_equal(part.x_train, whole.x_train[whole.y_train != 8])
    assert np.array_equal(part.x_test, whole.x_test)
    assert (part.y_test == 8).sum() > 10
    with pytest.raises(ValueError, match="read-only"):
        part.x_train[0] = 0


@pytest.mark.parametrize("name", IMAGES)
def test_every_variant_can_leave_a_class_out(name: str):
    config = RunConfig.make(name, "digits", "quick", {"left_out": "3"})
    again = RunConfig.from_json(json.loads(json.dumps(config.to_json())))
    assert again == config
    (spec,) = [spec for spec in VARIANTS[name].fields() if spec.name == "left_out"]
    assert spec.group == "Run"
    assert spec.parse(spec.text("3")) == "3"
    with pytest.raises(BadInput, match="one of none, 0"):
        RunConfig.make(name, "digits", "quick", {"left_out": "10"})


def test_configurations_from_before_leave_nothing_out():
    stored = RunConfig.make("vanilla", "digits", "quick").to_json()
    del stored["fields"]["left_out"]
    config = RunConfig.from_json(stored)
    assert config.image_hyper.left_out == "none"
    assert config == RunConfig.make("vanilla", "digits", "quick")
    assert open_bundle(CHECKPOINTS / "vanilla").run.config.image_hyper.left_out == "none"


# Errors as alarms


@pytest.fixture
def detector() -> Detector:
    """Two of three novel images lie above all four known ones."""
    return Detector(np.array([0.1, 0.2, 0.3, 0.4, 0.25, 0.5, 0.6]), np.array([0, 0, 0, 0, 1, 1, 1], bool))


def test_the_area_counts_pairs_in_the_right_order(detector: Detector):
    assert detector.area == pytest.approx(10 / 12)
    false, true = detector.roc()
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(detector.area)


def test_the_standard_error_is_what_other_samples_show():
    rng = np.random.default_rng(0)
    novel = np.repeat([True, False], [40, 300])
    draws = [Detector(rng.normal(novel * 1.5), novel) for _ in range(300)]
    assert np.mean([draw.uncertainty for draw in draws]) == pytest.approx(
        np.std([draw.area for draw in draws]), rel=0.1
    )


@pytest.mark.parametrize(
    ("allowed", "threshold", "hits", "false_alarms"),
    [(0.0, 0.4, 2, 0), (0.25, 0.3, 2, 1), (0.3, 0.3, 2, 1), (0.5, 0.2, 3, 2), (1.0, 0.1, 3, 3)],
)
def test_a_threshold_lets_no_more_false_alarms_through_than_allowed(
    detector: Detector, allowed: float, threshold: float, hits: int, false_alarms: int
):
    assert detector.threshold(allowed) == threshold
    found = detector.confusion(threshold)
    assert found == {"hits": hits, "missed": 3 - hits, "false_alarms": false_alarms, "passed": 4 - false_alarms}
    assert found["false_alarms"] <= allowed * 4


def test_errors_are_means_over_an_images_pixels():
    images = np.zeros((2, 28, 28, 1), np.float32)
    outputs = images.copy()
    outputs[1] = 0.5
    assert errors_of(images, outputs).tolist() == [0, 0.25]


# A run


class Blurring:
    """Runs and data with one run: it gives back the mean of the images it was trained on."""

    def __init__(self, run: RunView, settings: Settings):
        self.settings, self._run = settings, run
        self.dataset = lambda name: status(name, settings)
        self._mean = images_of(run.config, settings).x_train.mean(axis=0).astype(np.float32) / 255

    def run(self, name: str) -> RunView:
        assert name == self._run.id
        return self._run

    def infer(self, name: str, operation: Operation, images: np.ndarray) -> dict[str, np.ndarray]:
        assert (name, operation) == (self._run.id, RECONSTRUCT)
        return {"images": np.broadcast_to(self._mean, images.shape)}


def novelty(tmp_path: Path, left_out: str) -> tuple[Novelty, str]:
    from dataclasses import replace

    run = open_bundle(CHECKPOINTS / "vanilla").run
    run = replace(run, config=RunConfig.make("vanilla", "digits", "quick", {"left_out": left_out}))
    source = Blurring(run, Settings(home=tmp_path))
    return Novelty(source, source), run.id  # pyright: ignore[reportArgumentType]


def test_all_held_out_images_are_examined(tmp_path: Path):
    service, name = novelty(tmp_path, "1")
    found = service.examine(name)
    images = load("digits", Settings(home=tmp_path))
    assert np.array_equal(found.labels, images.y_test)
    assert np.array_equal(found.detector.novel, images.y_test == 1)
    expected = ((images.x_test / 255 - found.outputs) ** 2).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(found.detector.errors, expected, rtol=1e-3)


def test_pca_is_fitted_on_what_the_run_was_given(tmp_path: Path):
    service, _ = novelty(tmp_path, "0")
    config = service.config("stacked", "digits", "0")
    assert config.image_hyper.left_out == "0"
    assert config.hyper.epochs > 6 == service.config("stacked", "mnist", "0").hyper.epochs
    detector, fitted = service.linear(config, 16)
    labels = load("digits", Settings(home=tmp_path)).y_train
    assert fitted == (labels != 0).sum()
    assert detector.area > 0.8, "zeros are easily detected"
    with_them = errors_of_pca(tmp_path)
    assert detector.errors[detector.novel].mean() > 1.5 * with_them[detector.novel].mean()


def errors_of_pca(tmp_path: Path) -> np.ndarray:
    """Errors of PCA that was fitted on all classes."""
    from aecore.explore.inputs import Line

    images = load("digits", Settings(home=tmp_path))
    clean = images.x_test.astype(np.float32) / 255
    return errors_of(clean, Line.fit("digits", images.x_train)(clean, 16))


def test_a_run_on_all_classes_is_refused(tmp_path: Path):
    service, name = novelty(tmp_path, "none")
    with pytest.raises(BadInput, match="trained on all classes"):
        service.examine(name)
