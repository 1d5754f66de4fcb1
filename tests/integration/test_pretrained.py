"""The models in `checkpoints/`: complete, small, and as good as their scorecards say."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from aecore.analysis.images import reconstruction_metrics
from aecore.cli import pretrained as pretrained_cli
from aecore.compute.backend import InProcess
from aecore.datasets import load
from aecore.datasets.evaluation import as_floats, corrupted_test, evaluation_images
from aecore.datasets.text.cache import as_texts
from aecore.service import Service
from aecore.settings import CHECKPOINTS, Settings
from aecore.store.bundles import open_bundle
from aecore.training.evaluation import from_weights

pytestmark = pytest.mark.slow
PRETRAINED_RECIPES = [recipe for recipe in pretrained_cli.RECIPES if recipe.pretrained]
NAMES = [recipe.name for recipe in PRETRAINED_RECIPES]
IMAGES = [recipe.name for recipe in PRETRAINED_RECIPES if recipe.config.hyper.modality == "images"]
SENTENCES = [name for name in NAMES if name not in IMAGES]
MOST_BYTES = 40_000_000
MOST_SENTENCE_BYTES = 8_000_000
CODES = 2000
EVALUATED = ("vanilla", "stacked-2")  # the others' codes take a minute and more
FULL_DATA = os.environ.get("AECORE_DATA_DIR")  # read here, before the other tests of this folder set their own
needs_mnist = pytest.mark.skipif(not FULL_DATA, reason="needs MNIST (AECORE_DATA_DIR)")


@pytest.fixture(autouse=True)
def _full_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AECORE_DATA_DIR", FULL_DATA or "")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = Settings(
        home=tmp_path_factory.mktemp("home"),
        checkpoints_dir=CHECKPOINTS,
        data_dir=Path(FULL_DATA) if FULL_DATA else None,
    )
    service = Service(settings, InProcess())
    yield service
    service.close()


def test_all_are_there_and_small(service: Service):
    assert not service.runs.pretrained_problems()
    assert {run.id for run in service.runs.all()} == set(NAMES)
    assert sum(map(size, IMAGES)) < MOST_BYTES
    assert sum(map(size, SENTENCES)) < MOST_SENTENCE_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_its_page_has_a_snapshot_to_draw_where_the_data_is_here(service: Service, name: str):
    snapshot = service.runs.snapshot(name)
    assert snapshot
    assert {"codes", "labels"} <= set(snapshot.arrays)
    assert ("clean" in snapshot.arrays) == (name in IMAGES and bool(FULL_DATA))


def size(name: str) -> int:
    return sum(path.stat().st_size for path in (CHECKPOINTS / name).iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_each_is_what_its_recipe_trains(name: str):
    (recipe,) = pretrained_cli.chosen([name])
    bundle = open_bundle(CHECKPOINTS / name)
    assert bundle.run.config == recipe.config
    assert len(bundle.curve.epochs) == recipe.config.hyper.total_epochs
    assert len(bundle.positions) >= 5


@pytest.mark.parametrize("name", IMAGES)
def test_codes_of_held_out_images_are_pretrained(name: str):
    bundle = open_bundle(CHECKPOINTS / name)
    held_out, units = bundle.held_out(), bundle.run.config.hyper.code_units
    assert held_out["codes"].shape == (CODES, units)
    assert held_out["pca_codes"].shape == (CODES, min(units, 784))
    assert np.isfinite(held_out["codes"]).all()


@pytest.mark.parametrize("name", SENTENCES)
def test_a_sentence_model_brings_its_language_and_no_text(name: str):
    bundle = open_bundle(CHECKPOINTS / name)
    hyper = bundle.run.config.sentence_hyper
    language, similarity = bundle.kept("language"), bundle.kept("similarity")
    assert language["table"].shape == (hyper.vocabulary, hyper.vector_size)
    assert len(as_texts(language["words"])) == hyper.vocabulary
    assert similarity["own"].mean() == pytest.approx(bundle.run.metrics["cosine_mean"], abs=1e-3)
    assert bundle.kept("map")["codes"].shape == (CODES, hyper.code_units)
    picture = bundle.snapshot(None)
    assert picture is not None
    assert not {"shown", "words", "cosines"} & set(picture.arrays), "these spell sentences of the corpus"


@pytest.mark.parametrize("name", NAMES)
def test_each_reaches_what_was_asked(name: str):
    (recipe,) = pretrained_cli.chosen([name])
    bundle = open_bundle(CHECKPOINTS / name)
    metrics = {**bundle.run.metrics, "loss": bundle.curve.epochs[-1].loss}
    assert recipe.thresholds, "something is asked of every model"
    for threshold in recipe.thresholds:
        assert threshold.reached(metrics), (threshold.title, threshold.value(metrics))


@needs_mnist
@pytest.mark.data
@pytest.mark.parametrize("name", IMAGES)
def test_reconstructions_are_as_good_as_documented(name: str):
    """Computed here, without the scorer."""
    bundle = open_bundle(CHECKPOINTS / name)
    config = bundle.run.config
    images = evaluation_images(load(config.dataset, Settings.from_env()), config.image_hyper)
    model = from_weights(config, bundle.weights())
    shown = corrupted_test(images, config.image_hyper)
    output = np.concatenate([model(tf.constant(shown[k : k + 500])).numpy() for k in range(0, len(shown), 500)])
    fresh = reconstruction_metrics(as_floats(images.x_test), output)
    assert fresh == pytest.approx({key: bundle.run.metrics[key] for key in fresh}, rel=1e-3)


@needs_mnist
@pytest.mark.data
@pytest.mark.parametrize("name", EVALUATED)
def test_a_fresh_evaluation_gives_the_pretrained_figures(service: Service, name: str):
    assert service.runs.evaluate(name) == pytest.approx(service.runs.run(name).metrics, rel=5e-3, abs=1e-3)
