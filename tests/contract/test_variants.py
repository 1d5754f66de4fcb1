"""What holds for every variant of the registry: a new one joins these tests by its line there."""

import contextlib
import json
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from aecore.compute.backend import InProcess
from aecore.datasets import Images, load
from aecore.datasets.evaluation import corrupted_test
from aecore.datasets.for_run import Data
from aecore.datasets.text.own import add_text
from aecore.datasets.text.prepared import text_of
from aecore.messages.channel import Channel
from aecore.messages.events import (
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
from aecore.messages.jobs import RECONSTRUCT
from aecore.models.base import Autoencoder
from aecore.schema import IMAGE_SHAPE, VARIANTS, RunConfig
from aecore.service import Service
from aecore.settings import Settings
from aecore.store.views import RunView
from aecore.training.attempt import attempt
from aecore.training.checkpoint import Stored
from aecore.training.scorecard import Scorer
from aecore.training.sentence_score import SentenceScorer
from tests.integration.live import wait_for

SMALL_TEXT = {
    "vocabulary": 200, "length": 12, "vectors": "corpus", "code_size": 8, "batch_size": 64, "epochs": 2,
    "learning_rate": 0.005,
}  # fmt: skip
SMALL = {"hidden": "16", "filters": "4,8", "halvings": 2, "code_size": 8, "batch_size": 64, "epochs": 2}
WITH_TWIN = {"mse", "sse_per_image", "psnr", "ssim", "bce", "knn5_accuracy", "probe_accuracy", "trustworthiness"}
ALONE = {"mean_activation", "dead_units"}
HELD_OUT, SENTENCES = 360, 400
SHAPES = {
    "images": ("clean", "corrupted", "outputs", "codes", "labels", "indices"),
    "sentences": ("shown", "words", "cosines", "codes", "labels", "indices"),
}


def configured(name: str, dataset: str = "digits", **values: Any) -> RunConfig:
    """A small model; values of fields that the variant does not have are left out."""
    known = {spec.name for spec in VARIANTS[name].fields()}
    small = SMALL if VARIANTS[name].modality == "images" else SMALL_TEXT
    return RunConfig.make(name, dataset, None, {k: v for k, v in {**small, **values}.items() if k in known})


def little_text(settings: Settings) -> str:
    """Stores a text of 400 sentences that follow a pattern; returns the name of the dataset."""
    rng = np.random.default_rng(0)
    kinds = [[f"{kind}{k}" for k in range(30)] for kind in ("small", "dog", "bites", "quickly")]
    lines = [" ".join(["the", *(str(rng.choice(words)) for words in kinds)]).capitalize() for _ in range(SENTENCES)]
    return add_text("little.txt", ".\n\n".join(lines).encode(), settings)


def loaded(data: bytes, folder: Path) -> Any:
    (folder / "model.keras").write_bytes(data)
    return keras.saving.load_model(folder / "model.keras", safe_mode=True)


# One run of each variant, trained through the service


@dataclass(frozen=True)
class Trained:
    """A finished run with all that it reported and left behind."""

    settings: Settings
    config: RunConfig
    events: list[Event]
    view: RunView
    arrays: dict[str, np.ndarray]
    model: Any

    @property
    def kind(self) -> str:
        return self.config.hyper.modality

    def only(self, kind: str) -> None:
        """Leaves what holds for another kind of data to another test."""
        if self.kind != kind:
            pytest.skip(f"for {kind}")

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture(scope="module", params=VARIANTS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    folder = tmp_path_factory.mktemp(request.param)
    settings = Settings(home=folder, database_url=f"sqlite:///{folder / 'aecore.db'}")
    sentences = VARIANTS[request.param].modality == "sentences"
    config = configured(request.param, little_text(settings) if sentences else "digits")
    service = Service(settings, InProcess())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AECORE_HOME", str(folder))  # where a worker looks for a text
        reports = list(service.runs.watch(config))
    (name,) = {run for run, _ in reports}
    picture = service.runs.snapshot(name)
    assert picture is not None
    model = loaded(service.runs.model_file(name), folder)
    yield Trained(settings, config, [event for _, event in reports], service.runs.run(name), picture.arrays, model)
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
    # Weights as 32-bit floats, and for each what Adam keeps.
    assert all(event.held_bytes > 2 * 4 * trained.view.parameters for event in trained.of(Progress))
    assert trained.of(Snapshot)[-1].position == trained.of(Checkpoint)[-1].epoch == trained.view.position


def test_every_epoch_is_reported_with_finite_losses(trained: Trained):
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
    held_out = trained.view.test_size
    found = {name: (array.dtype.name, *array.shape) for name, array in trained.arrays.items()}
    pictures = {name for name in found if name not in SHAPES[trained.kind]}
    assert "tiles" in pictures
    for name in pictures:  # weights or kernels, and what else a variant has to show
        assert 1 <= len(trained.arrays[name]) <= 144
        assert np.isfinite(trained.arrays[name]).all()
    shown = {
        "images": dict.fromkeys(("clean", "corrupted", "outputs"), ("uint8", 10, 28, 28)),
        "sentences": {"shown": ("uint16", 10, 12), "words": ("uint16", 10, 12), "cosines": ("float16", 10, 12)},
    }[trained.kind]
    assert found == {
        **shown,
        "codes": ("float16", held_out, units),
        "labels": ("uint8", held_out),
        "indices": ("int32", held_out),
    } | {name: found[name] for name in pictures}
    assert np.isfinite(trained.arrays["codes"]).all()


def test_metrics_stand_beside_pca(trained: Trained):
    trained.only("images")
    metrics = trained.view.metrics
    assert set(metrics) >= WITH_TWIN | ALONE | {f"pca_{name}" for name in WITH_TWIN}
    assert all(math.isfinite(value) for value in metrics.values())
    for name in ("ssim", "knn5_accuracy", "probe_accuracy", "trustworthiness"):
        assert metrics[name] <= 1
        assert metrics[f"pca_{name}"] <= 1
    assert metrics["pca_sse_per_image"] == pytest.approx(784 * metrics["pca_mse"])


def test_metrics_of_sentences_stand_beside_controls_and_baselines(trained: Trained):
    trained.only("sentences")
    metrics = trained.view.metrics
    assert set(metrics) >= {"held_out_loss", "mean_vector_loss", "word_accuracy", "cosine_mean", "cosine_control_mean"}
    assert set(metrics) >= {"separation_auc", "untrained_auc", "vectors_covered"}
    assert all(math.isfinite(value) for value in metrics.values())
    assert metrics["held_out_loss"] == pytest.approx(trained.of(EpochDone)[-1].val_loss, rel=1e-4)
    assert metrics["mean_vector_loss"] == pytest.approx(trained.view.baseline_loss)


def test_the_keras_file_is_the_model_that_was_measured(trained: Trained):
    if trained.kind == "sentences":
        text = text_of(trained.config, trained.settings)
        ids = text.ids[text.test].astype(np.int32)
        words = np.asarray(trained.model.operations()[RECONSTRUCT](ids)["words"])
        assert (words == ids)[ids > 1].mean() == pytest.approx(trained.view.metrics["word_accuracy"], abs=1e-3)
        return
    images = load("digits", Settings(home=Path("unused")))
    output = trained.model(corrupted_test(images, trained.config.image_hyper)).numpy()
    assert np.square(output - images.x_test / 255).mean() == pytest.approx(trained.view.metrics["mse"], rel=1e-3)


def test_the_keras_file_encodes_and_decodes(trained: Trained):
    rng = np.random.default_rng(0)
    given, back = rng.random((3, *IMAGE_SHAPE), dtype=np.float32), (3, *IMAGE_SHAPE)
    if trained.kind == "sentences":
        given, back = rng.integers(1, 50, (3, 12), dtype=np.int32), (3, 12, 50)
    codes = trained.model.encode(given)
    assert codes.shape == (3, trained.config.hyper.code_units)
    written = trained.model.decode(codes).numpy()
    assert written.shape == back
    assert np.isfinite(written).all()


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
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def images() -> Images:
    """So few that the last batch of an epoch must be filled up."""
    digits = load("digits", Settings(home=Path("unused")))
    parts = digits.x_train[:200], digits.y_train[:200], digits.x_test[:60], digits.y_test[:60]
    return Images(*(part.copy() for part in parts))


def reports_of(
    config: RunConfig, data: Data, stored: Stored | None = None, until: int | None = None, chunks: int | None = None
) -> list[Any]:
    channel = PausedAfter(chunks)
    attempt(config, data, channel, stored, until)
    return channel.take()


def losses(events: list[Any]) -> list[tuple[float, ...]]:
    return [(event.epoch, event.loss, event.val_loss) for event in events if isinstance(event, EpochDone)]


def last(events: list[Any], kind: type) -> Any:
    return [event for event in events if isinstance(event, kind)][-1]


@contextlib.contextmanager
def neighbour(config: RunConfig, data: Data) -> Iterator[None]:
    """A run of the same structure that takes turns with what is trained within the context."""
    other, channel = config.changed(seed=config.hyper.seed + 1, epochs=1000), Channel()
    assert other.hyper.structure() == config.hyper.structure()
    thread = threading.Thread(target=attempt, args=(other, data, channel))
    thread.start()
    try:
        wait_for(lambda: any(isinstance(event, Progress) for event in channel.take()), "the neighbour never began")
        yield
    finally:
        channel.tell(Command(action="pause"))
        thread.join()
    assert any(isinstance(event, Progress) for event in channel.take()), "the neighbour had no turn"


STOCHASTIC = {
    "noise": "masking", "dropout": 0.3, "schedule": "cosine", "word_dropout": 0.2, "objective": "words",
    "negatives": 30, "masked": True, "similar_lengths": True,
}  # fmt: skip
LAYERWISE = {"hidden": "", "pretraining": "layerwise", "pretraining_epochs": 1, "epochs": 1, "dropout": 0.3}
IN_AN_EPOCH, AFTER_AN_EPOCH = {"chunks": 1}, {"until": 1}


@pytest.mark.parametrize(
    ("name", "values", "pauses"),
    [
        *(pytest.param(name, STOCHASTIC, [IN_AN_EPOCH], id=name) for name in VARIANTS),
        pytest.param("stacked", LAYERWISE, [IN_AN_EPOCH, AFTER_AN_EPOCH], id="layerwise, at the border of a phase"),
    ],
)
def test_a_paused_run_beside_a_neighbour_ends_in_the_weights_of_an_uninterrupted_one_alone(
    name: str, values: dict, pauses: list[dict], images: Images, settings: Settings, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    monkeypatch.setattr(Scorer, "score", lambda *_: {})
    monkeypatch.setattr(SentenceScorer, "score", lambda *_: {})
    monkeypatch.setattr(Autoencoder, "xla_on_cpu", values is LAYERWISE)  # compiling takes most of the time
    if VARIANTS[name].modality == "sentences":
        config = configured(name, little_text(settings), **values)
        data: Data = text_of(config, settings)
    else:
        config, data = configured(name, **values), images
    whole = reports_of(config, data)
    stored, reports = None, []
    with neighbour(config, data):
        for pause in pauses:
            events = reports_of(config, data, stored, **pause)
            assert last(events, Finished).status == "paused"
            reports += losses(events)
            stored = Stored(last(events, Checkpoint).data)
        resumed = reports_of(config, data, stored)
    reports += losses(resumed)

    assert last(resumed, Finished).status == "finished"
    assert reports == [pytest.approx(row, rel=1e-5) for row in losses(whole)]
    expected = loaded(last(whole, Finished).model, tmp_path).get_weights()
    found = loaded(last(resumed, Finished).model, tmp_path).get_weights()
    for a, b in zip(expected, found, strict=True):
        assert np.array_equal(a, b)
