"""What holds for every variant of the registry: a new one joins these tests by its line there."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from aecore.compute.backend import InProcess
from aecore.compute.channel import Channel
from aecore.datasets import Images, load
from aecore.datasets.measured import shown_test
from aecore.models.base import Autoencoder
from aecore.schema import IMAGE_SHAPE, VARIANTS, RunConfig
from aecore.schema.events import (
    Baseline,
    Checkpoint,
    Command,
    EpochDone,
    Event,
    Finished,
    Progress,
    Snapshot,
    Started,
)
from aecore.service import Service
from aecore.settings import Settings
from aecore.store.views import RunView
from aecore.training.checkpoint import Stored
from aecore.training.engine import Trainer
from aecore.training.kinds import material
from aecore.training.scorecard import Scorer

SMALL = {"hidden": "16", "filters": "4,8", "halvings": 2, "code_size": 8, "batch_size": 64, "epochs": 2}
WITH_TWIN = {"mse", "sse_per_image", "psnr", "ssim", "bce", "knn5_accuracy", "probe_accuracy", "trustworthiness"}
ALONE = {"mean_activation", "dead_units"}
HELD_OUT = 360
SHAPES = ("clean", "corrupted", "outputs", "codes", "labels", "indices")


def configured(name: str, **values: Any) -> RunConfig:
    """A small model; values of fields that the variant does not have are left out."""
    known = {spec.name for spec in VARIANTS[name].fields()}
    return RunConfig.make(name, "digits", None, {k: v for k, v in {**SMALL, **values}.items() if k in known})


def loaded(data: bytes, folder: Path) -> Any:
    (folder / "model.keras").write_bytes(data)
    return keras.saving.load_model(folder / "model.keras", safe_mode=True)


# One run of each variant, trained through the service


@dataclass(frozen=True)
class Trained:
    """A finished run with all that it reported and left behind."""

    config: RunConfig
    events: list[Event]
    view: RunView
    arrays: dict[str, np.ndarray]
    model: Any

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture(scope="module", params=VARIANTS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    folder = tmp_path_factory.mktemp(request.param)
    config = configured(request.param)
    service = Service(Settings(home=folder, database_url=f"sqlite:///{folder / 'aecore.db'}"), InProcess())
    told = list(service.watch(config))
    (name,) = {run for run, _ in told}
    picture = service.snapshot(name)
    assert picture is not None
    model = loaded(service.model_file(name), folder)
    yield Trained(config, [event for _, event in told], service.run(name), picture.arrays, model)
    service.close()


def test_events_come_in_order(trained: Trained):
    kinds = [type(event) for event in trained.events]
    assert kinds[0] is Started
    assert kinds[-1] is Finished
    assert trained.of(Finished)[0].status == trained.view.status == "finished"
    assert kinds.count(Started) == kinds.count(Baseline) == kinds.count(Finished) == 1
    assert kinds.index(EpochDone) < kinds.index(Baseline)
    positions = [event.position for event in trained.of(Progress)]
    assert all(before <= after for before, after in pairwise(positions))
    assert trained.of(Snapshot)[-1].position == trained.of(Checkpoint)[-1].epoch == trained.view.position


def test_every_epoch_is_told_with_finite_losses(trained: Trained):
    epochs = trained.of(EpochDone)
    phases = [name for name, count in trained.config.hyper.phases() for _ in range(count)]
    assert [(epoch.epoch, epoch.phase) for epoch in epochs] == list(enumerate(phases, start=1))
    for epoch in epochs:
        parts = [epoch.loss, epoch.val_loss, *epoch.parts.values()]
        assert all(math.isfinite(value) for value in parts)
        assert epoch.seconds > 0
        assert epoch.samples_per_second > 0
        assert {f"val_{name}" for name in epoch.parts if not name.startswith("val_")} <= set(epoch.parts)
    assert math.isfinite(trained.view.baseline_loss or math.nan)


def test_it_learns(trained: Trained):
    first, *_, last_one = trained.of(EpochDone)
    assert last_one.loss < first.loss
    assert last_one.val_loss < first.val_loss


def test_the_number_of_parameters_is_known_beforehand(trained: Trained):
    assert trained.config.hyper.parameters(IMAGE_SHAPE) == trained.model.count_params() == trained.view.parameters


def test_snapshots_have_their_shapes(trained: Trained):
    units = trained.config.hyper.code_units
    found = {name: (array.dtype.name, *array.shape) for name, array in trained.arrays.items()}
    pictures = {name for name in found if name not in SHAPES}
    assert "tiles" in pictures
    for name in pictures:  # weights or kernels, and what else a variant has to show
        assert 1 <= len(trained.arrays[name]) <= 144
        assert np.isfinite(trained.arrays[name]).all()
    assert found == {
        "clean": ("uint8", 10, 28, 28),
        "corrupted": ("uint8", 10, 28, 28),
        "outputs": ("uint8", 10, 28, 28),
        "codes": ("float16", HELD_OUT, units),
        "labels": ("uint8", HELD_OUT),
        "indices": ("int32", HELD_OUT),
    } | {name: found[name] for name in pictures}
    assert np.isfinite(trained.arrays["codes"]).all()


def test_metrics_stand_beside_pca(trained: Trained):
    metrics = trained.view.metrics
    assert set(metrics) >= WITH_TWIN | ALONE | {f"pca_{name}" for name in WITH_TWIN}
    assert all(math.isfinite(value) for value in metrics.values())
    for name in ("ssim", "knn5_accuracy", "probe_accuracy", "trustworthiness"):
        assert metrics[name] <= 1
        assert metrics[f"pca_{name}"] <= 1
    assert metrics["pca_sse_per_image"] == pytest.approx(784 * metrics["pca_mse"])


def test_the_keras_file_is_the_model_that_was_measured(trained: Trained):
    images = load("digits", Settings(home=Path("unused")))
    output = trained.model(shown_test(images, trained.config.image_hyper)).numpy()
    assert np.square(output - images.x_test / 255).mean() == pytest.approx(trained.view.metrics["mse"], rel=1e-3)


def test_the_keras_file_encodes_and_decodes(trained: Trained):
    codes = trained.model.encode(np.random.default_rng(0).random((3, *IMAGE_SHAPE), dtype=np.float32))
    assert codes.shape == (3, trained.config.hyper.code_units)
    images = trained.model.decode(codes).numpy()
    assert images.shape == (3, *IMAGE_SHAPE)
    assert np.isfinite(images).all()


def test_the_configuration_comes_back_from_json(trained: Trained):
    assert RunConfig.from_json(json.loads(json.dumps(trained.config.to_json()))) == trained.config
    assert trained.view.config == trained.config
    assert trained.model.hyper == trained.config.hyper


# Pausing: on few images, without the scorecard


class PausedAfter(Channel):
    """Pauses the training that reports to it after so many chunks of steps."""

    def __init__(self, chunks: int | None):
        super().__init__()
        self._left = chunks

    def emit(self, event: Event) -> None:
        super().emit(event)
        if self._left is not None and isinstance(event, Progress):
            self._left -= 1
            if self._left == 0:
                self.tell(Command(action="pause"))


@pytest.fixture(scope="module")
def images() -> Images:
    """So few that the last batch of an epoch must be filled up."""
    digits = load("digits", Settings(home=Path("unused")))
    parts = digits.x_train[:200], digits.y_train[:200], digits.x_test[:60], digits.y_test[:60]
    return Images(*(part.copy() for part in parts))


def attempt(
    config: RunConfig, images: Images, stored: Stored | None = None, until: int | None = None, chunks: int | None = None
) -> list[Any]:
    channel = PausedAfter(chunks)
    Trainer(config, material(config, images), channel, stored, until).run()
    return channel.take()


def losses(events: list[Any]) -> list[tuple[float, ...]]:
    return [(event.epoch, event.loss, event.val_loss) for event in events if isinstance(event, EpochDone)]


def last(events: list[Any], kind: type) -> Any:
    return [event for event in events if isinstance(event, kind)][-1]


STOCHASTIC = {"noise": "masking", "dropout": 0.3, "schedule": "cosine"}
LAYERWISE = {"hidden": "", "pretraining": "layerwise", "pretraining_epochs": 1, "epochs": 1, "dropout": 0.3}
IN_AN_EPOCH, AFTER_AN_EPOCH = {"chunks": 1}, {"until": 1}


@pytest.mark.parametrize(
    ("name", "values", "pauses"),
    [
        *(pytest.param(name, STOCHASTIC, [IN_AN_EPOCH], id=name) for name in VARIANTS),
        pytest.param("stacked", LAYERWISE, [IN_AN_EPOCH, AFTER_AN_EPOCH], id="layerwise, at the border of a phase"),
    ],
)
def test_a_paused_run_ends_in_the_weights_of_an_uninterrupted_one(
    name: str, values: dict, pauses: list[dict], images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Scorer, "score", lambda *_: {})
    monkeypatch.setattr(Autoencoder, "xla_on_cpu", values is LAYERWISE)  # compiling takes most of the time
    config = configured(name, **values)
    whole = attempt(config, images)
    stored, told = None, []
    for pause in pauses:
        events = attempt(config, images, stored, **pause)
        assert last(events, Finished).status == "paused"
        told += losses(events)
        stored = Stored(last(events, Checkpoint).data)
    resumed = attempt(config, images, stored)
    told += losses(resumed)

    assert last(resumed, Finished).status == "finished"
    assert told == [pytest.approx(row, rel=1e-5) for row in losses(whole)]
    expected = loaded(last(whole, Finished).model, tmp_path).get_weights()
    found = loaded(last(resumed, Finished).model, tmp_path).get_weights()
    for a, b in zip(expected, found, strict=True):
        assert np.array_equal(a, b)
