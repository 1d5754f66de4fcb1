"""Pretrained models: runs that cannot be changed, and are refused by name when they are not what was shipped."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aecore.cli import pretrained as pretrained_cli
from aecore.cli.main import main
from aecore.cli.pretrained import Recipe, Threshold
from aecore.compute.backend import InProcess
from aecore.errors import BadInput, StorageError
from aecore.service import Service
from aecore.settings import Settings
from aecore.store.bundles import COMMON_FILES, MANIFEST, OWN_FILES, open_bundle, shortened, write_bundle

SMALL = {"hidden": (), "code_size": 6, "batch_size": 128, "epochs": 2}
RECIPES = (
    Recipe("tiny", "vanilla", "quick", SMALL, dataset="digits"),
    Recipe("tiny-noisy", "denoising", "quick", SMALL, dataset="digits"),
)


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Service]]:
    """Two small models on their shelf, and the service that trained them."""
    folder = tmp_path_factory.mktemp("shelf")
    home = tmp_path_factory.mktemp("home")
    service = Service(Settings(home=home, checkpoints_dir=home / "none"), InProcess())
    for recipe in RECIPES:
        assert list(pretrained_cli.training(service, recipe))
        pretrained_cli.ship(service, recipe, folder / recipe.name, lambda _: None)
    yield folder, service
    service.close()


@pytest.fixture
def checkpoints(pretrained: tuple[Path, Service], tmp_path: Path) -> Path:
    """A shelf of one's own to damage."""
    return Path(shutil.copytree(pretrained[0], tmp_path / "shelf"))


@pytest.fixture
def service(checkpoints: Path, tmp_path: Path) -> Iterator[Service]:
    """A service on a machine that has never trained anything."""
    service = Service(Settings(home=tmp_path / "home", checkpoints_dir=checkpoints), InProcess())
    yield service
    service.close()


def test_a_pretrained_model_is_a_run_among_the_others(pretrained: tuple[Path, Service], service: Service):
    trained = pretrained_cli.trained(pretrained[1], RECIPES[0])
    assert trained is not None
    assert [run.id for run in service.runs.all()] == ["tiny", "tiny-noisy"]
    run = service.runs.run("tiny")
    assert run.status == "pretrained"
    assert run.config == trained.config
    assert run.metrics["mse"] == pytest.approx(trained.metrics["mse"], rel=1e-3)
    assert run.device is not None
    assert run.device.host == "", "the machine that trained it is nobody's business"
    assert service.runs.curve("tiny") == pretrained[1].runs.curve(trained.id)


def test_its_snapshots_span_the_whole_training(service: Service):
    positions = service.runs.snapshot_positions("tiny")
    assert positions[0] == 0
    assert positions[-1] == 2
    first, last = service.runs.snapshot("tiny", 0), service.runs.snapshot("tiny")
    assert first is not None
    assert last is not None
    assert (first.position, last.position) == (0, 2)
    assert last.arrays["outputs"].shape == (10, 28, 28)
    assert last.arrays["codes"].shape == (360, 6)
    assert not np.array_equal(first.arrays["outputs"], last.arrays["outputs"])


def test_weight_pictures_survive_the_packing(pretrained: tuple[Path, Service], service: Service):
    trained = pretrained_cli.trained(pretrained[1], RECIPES[0])
    assert trained is not None
    before, after = pretrained[1].runs.snapshot(trained.id), service.runs.snapshot("tiny")
    assert before is not None
    assert after is not None
    limit = float(np.abs(before.arrays["tiles"]).max())
    assert np.abs(after.arrays["tiles"] - before.arrays["tiles"]).max() <= limit / 120


def test_no_image_of_the_dataset_is_pretrained(checkpoints: Path):
    view = open_bundle(checkpoints / "tiny").snapshot(None)
    assert view is not None
    assert not {"clean", "corrupted"} & set(view.arrays)
    assert set(open_bundle(checkpoints / "tiny").held_out()) == {"codes", "pca_codes", "labels", "indices"}


def test_where_the_dataset_is_the_images_stand_beside_what_became_of_them(
    pretrained: tuple[Path, Service], service: Service
):
    trained = pretrained_cli.trained(pretrained[1], RECIPES[1])
    assert trained is not None
    before, after = pretrained[1].runs.snapshot(trained.id), service.runs.snapshot("tiny-noisy")
    assert before is not None
    assert after is not None
    for name in ("clean", "corrupted"):
        assert np.array_equal(after.arrays[name], before.arrays[name])


def test_evaluating_it_gives_the_metrics_that_are_pretrained(service: Service):
    stages: list[str] = []
    fresh = service.runs.evaluate("tiny-noisy", stage=stages.append)
    reported = service.runs.run("tiny-noisy").metrics
    assert fresh.keys() == reported.keys()
    assert {"nlm_psnr", "pca_denoiser_psnr"} <= fresh.keys()
    assert fresh == pytest.approx(reported, rel=1e-3)
    assert stages


def test_evaluating_a_run_gives_its_scorecard(pretrained: tuple[Path, Service]):
    trained = pretrained_cli.trained(pretrained[1], RECIPES[0])
    assert trained is not None
    assert pretrained[1].runs.evaluate(trained.id) == pytest.approx(trained.metrics, rel=1e-3)


def test_a_recipe_that_is_trained_already_is_not_trained_again(pretrained: tuple[Path, Service]):
    assert pretrained_cli.trained(pretrained[1], RECIPES[0]) is not None
    other = replace(RECIPES[0], values={**SMALL, "code_size": 7})
    assert pretrained_cli.trained(pretrained[1], other) is None
    with pytest.raises(BadInput, match="has not been trained"):
        pretrained_cli.ship(pretrained[1], other, Path("nowhere"), lambda _: None)


@pytest.mark.parametrize(
    "change",
    [
        lambda service: service.runs.pause("tiny"),
        lambda service: service.runs.stop("tiny"),
        lambda service: service.runs.resume("tiny", more_epochs=1),
        lambda service: service.runs.step("tiny"),
        lambda service: service.runs.set_learning_rate("tiny", 0.1),
    ],
)
def test_it_cannot_be_changed(service: Service, change):
    with pytest.raises(BadInput, match="tiny is a pretrained model and read-only"):
        change(service)
    assert [run.status for run in service.runs.all()] == ["pretrained", "pretrained"]


@pytest.mark.parametrize("name", [*COMMON_FILES, *OWN_FILES["images"], MANIFEST])
@pytest.mark.parametrize("damage", ["tampered", "truncated", "missing"])
def test_a_damaged_bundle_is_refused_by_name_and_the_others_are_not(
    checkpoints: Path, service: Service, name: str, damage: str
):
    assert len(service.runs.all()) == 2
    path = checkpoints / "tiny" / name
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(data[: len(data) // 2] if damage == "truncated" else data[:-9] + b"X" + data[-8:])
    if damage == "tampered" and name == MANIFEST:
        path.write_text(path.read_text().replace("X", "", 1).replace("sha256", "sha1"))
    with pytest.raises(StorageError, match=f"The pretrained model tiny is not offered: .*{name}"):
        service.runs.run("tiny")
    assert [run.id for run in service.runs.all()] == ["tiny-noisy"]
    (problem,) = service.runs.pretrained_problems()
    assert str(checkpoints / "tiny") in problem

    path.write_bytes(data)
    assert service.runs.run("tiny").status == "pretrained"
    assert not service.runs.pretrained_problems()


def test_arrays_are_never_unpickled(checkpoints: Path):
    bundle = open_bundle(checkpoints / "tiny")
    harmful = {"0": np.array([print], dtype=object)}
    with pytest.raises(ValueError, match="pickle"):
        write_bundle(checkpoints / "tiny", bundle.run, bundle.curve, {"weights.npz": harmful})


def test_a_later_format_is_refused(checkpoints: Path, service: Service):
    path = checkpoints / "tiny" / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 2}))
    with pytest.raises(StorageError, match="its format is 2"):
        service.runs.run("tiny")


def test_an_empty_or_missing_checkpoints_is_no_trouble(tmp_path: Path):
    service = Service(Settings(home=tmp_path, checkpoints_dir=tmp_path / "none"), InProcess())
    assert service.runs.all() == []
    assert service.runs.pretrained_problems() == []
    service.close()


def test_unknown_recipes_are_named():
    with pytest.raises(BadInput, match="no pretrained model 'stacked-31'; they are vanilla, "):
        pretrained_cli.chosen(["vanilla", "stacked-31"])
    assert pretrained_cli.chosen([]) == list(pretrained_cli.RECIPES)


def test_the_table_tells_what_was_reached_and_what_was_not():
    recipes = {recipe.name: recipe for recipe in pretrained_cli.RECIPES}
    metrics = {"bce": 0.0874, "pca_bce": 0.11, "psnr": 20.0, "nlm_psnr": 16.0, "pca_denoiser_psnr": 19.0}
    rows = pretrained_cli.table({"convolutional-denoising": metrics})
    assert [row["reached"] for row in rows] == [True, True, False]
    assert rows[2]["value"] == pytest.approx(1.0)
    assert rows[0]["asked"] == "at most 0.0875"
    assert recipes["convolutional-denoising"].thresholds[0].reached({"bce": 0.0876}) is False


def test_the_command_trains_what_is_missing_ships_it_and_tells_what_it_reaches(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    del home
    thresholds = (Threshold("MSE", "mse", 1e-9, False, "pca_mse"), Threshold("training loss", "loss", 1.0, False))
    recipes = (replace(RECIPES[0], thresholds=thresholds), replace(RECIPES[0], name="measured", pretrained=False))
    monkeypatch.setattr(pretrained_cli, "RECIPES", recipes)
    out = tmp_path / "out"
    assert main(["checkpoints", "--out", str(out), "--json"]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in printed] == ["epoch", "epoch", "finished", "metrics"]
    rows = printed[-1]["rows"]
    assert [(row["figure"], row["reached"]) for row in rows] == [("MSE", False), ("training loss", True)]
    assert [folder.name for folder in out.iterdir()] == ["tiny"]
    before = open_bundle(out / "tiny").run.metrics

    assert main(["checkpoints", "tiny", "--out", str(out)]) == 0
    assert open_bundle(out / "tiny").run.metrics == before, "it was measured again, not trained again"
    assert "at most 1e-09" in capsys.readouterr().out


def test_long_codes_are_pretrained_in_eight_bits(checkpoints: Path):
    bundle = open_bundle(checkpoints / "tiny")
    codes = np.random.default_rng(0).normal(size=(50, 300)).astype(np.float16)
    held_out = bundle.held_out() | {"codes": codes}
    parts = {name: bundle.part(name) for name in ("weights.npz", "timeline.npz")}
    write_bundle(checkpoints / "tiny", bundle.run, bundle.curve, parts | {"held_out.npz": shortened(held_out)})
    found = open_bundle(checkpoints / "tiny").held_out()
    assert found.keys() == held_out.keys()
    assert np.abs(found["codes"] - codes).max() <= np.abs(codes).max() / 250
    assert np.array_equal(found["pca_codes"], held_out["pca_codes"])
