"""Codes to be looked at: their pictures, neighbours and ways through them, and where they come from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from aecore import datasets
from aecore.analysis import interpolation, neighbours, projections
from aecore.compute.backend import InProcess
from aecore.errors import BadInput, DataMissing
from aecore.messages.jobs import ENCODE
from aecore.schema import RunConfig
from aecore.service import Service
from aecore.settings import CHECKPOINTS, Settings


def cloud(count: int = 200, units: int = 5, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(count, units)) * np.arange(units, 0, -1) + 3).astype(np.float32)


@pytest.fixture
def service(tmp_path: Path):
    """A service without data, with the pretrained models, that computes in this process."""
    service = Service(Settings(tmp_path, keras_dir=tmp_path / "none", checkpoints_dir=CHECKPOINTS), InProcess())
    yield service
    service.close()


# Pictures


def test_principal_components_hold_the_variance_they_say():
    codes = cloud()
    found, shares = projections.principal(codes, 2)
    assert found.shape == (200, 2)
    assert found.var(axis=0) / codes.var(axis=0).sum() == pytest.approx(shares, rel=1e-4)
    assert shares[0] > shares[1] > 1 / 5


def test_principal_components_of_equal_codes_and_of_few_units():
    assert not projections.principal(np.ones((7, 3), np.float32), 2)[0].any()
    assert projections.principal(cloud(units=1), 3)[0].shape == (200, 1)


def test_tsne_keeps_two_clouds_apart_and_is_the_same_each_time():
    codes = np.concatenate([cloud(40, 60), cloud(40, 60, 1) + 500])
    found = projections.neighbour_embedding(codes, 2)
    assert found.shape == (80, 2)
    sides = found[:, 0] if np.ptp(found[:, 0]) > np.ptp(found[:, 1]) else found[:, 1]
    assert max(sides[:40].max(), sides[40:].max()) > min(sides[:40].min(), sides[40:].min())
    assert (sides[:40].max() < sides[40:].min()) or (sides[40:].max() < sides[:40].min())
    assert np.array_equal(found, projections.neighbour_embedding(codes, 2))


def test_the_unit_that_varies_most_comes_first():
    assert list(projections.varying(cloud(5000))) == [0, 1, 2, 3, 4]


# Neighbours


def test_leaving_one_out_agrees_with_a_classifier_that_has_not_seen_the_point():
    codes, labels = cloud(60, 2), (np.arange(60) % 3).astype(np.uint8)
    right = 0
    for k in range(60):
        rest = np.arange(60) != k
        right += KNeighborsClassifier(5).fit(codes[rest], labels[rest]).predict(codes[[k]])[0] == labels[k]
    assert neighbours.own_knn_accuracy(codes, labels) == pytest.approx(right / 60)


def test_metrics_tell_tidy_codes_from_shuffled_ones():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 30).astype(np.uint8)
    images = (rng.random((120, 4, 4)) * 40 + labels[:, None, None] * 50).astype(np.uint8)
    codes = images.reshape(120, -1).astype(np.float32)
    tidy = neighbours.space_metrics(codes, labels, images)
    shuffled = neighbours.space_metrics(rng.permutation(codes), labels, images)
    assert tidy.knn5_accuracy == 1
    assert tidy.trustworthiness == pytest.approx(1)
    assert tidy.silhouette is not None
    assert tidy.silhouette > 0.3
    assert (shuffled.knn5_accuracy or 1) < 0.6
    assert (shuffled.trustworthiness or 1) < 0.8
    assert (shuffled.silhouette or 1) < 0.05
    assert neighbours.space_metrics(codes, labels, None).trustworthiness is None


def test_metrics_of_too_few_points_are_left_open():
    found = neighbours.space_metrics(cloud(3), np.zeros(3, np.uint8), None)
    assert (found.knn5_accuracy, found.trustworthiness, found.silhouette) == (None, None, None)


def test_nearest_points_leave_the_point_itself_out():
    codes = np.array([[0.0], [1.0], [0.0], [5.0]], np.float32)
    rows, distances = neighbours.nearest(codes, 0, 8)
    assert list(rows) == [2, 1, 3]
    assert list(distances) == [0, 1, 5]


# Ways


@pytest.mark.parametrize("directions", ["components", "units"])
def test_a_step_is_one_standard_deviation(directions: interpolation.Directions):
    codes = cloud(4000)
    spread = interpolation.spread(codes, directions, 3)
    assert spread.steps.shape == (3, 5)
    assert np.linalg.norm(spread.steps, axis=1) == pytest.approx([5, 4, 3], rel=0.05)
    assert spread.code(spread.mean, [0, 0, 0]) == pytest.approx(codes.mean(axis=0))
    moved = spread.code(spread.mean, [0, 2, 0]) - spread.mean
    assert np.abs(moved).argmax() == 1
    assert abs(moved[1]) == pytest.approx(8, rel=0.05)


def test_both_ways_begin_and_end_at_the_two_codes():
    a, b = cloud(2)
    for way in (interpolation.straight, interpolation.spherical):
        found = way(a, b, 10)
        assert found.shape == (10, 5)
        assert found[[0, -1]] == pytest.approx(np.stack([a, b]), abs=1e-5)


def test_the_turn_keeps_the_length_and_goes_evenly():
    a, b = np.array([3.0, 0.0], np.float32), np.array([0.0, 3.0], np.float32)
    found = interpolation.spherical(a, b, 4)
    assert np.linalg.norm(found, axis=1) == pytest.approx([3] * 4)
    assert np.degrees(np.arctan2(found[:, 1], found[:, 0])) == pytest.approx([0, 30, 60, 90], abs=1e-4)
    assert np.linalg.norm(interpolation.straight(a, b, 3)[1]) == pytest.approx(3 / np.sqrt(2))


@pytest.mark.parametrize("end", [[2.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
def test_where_no_turn_is_defined_the_way_is_straight(end: list[float]):
    a, b = np.array([1.0, 0.0], np.float32), np.array(end, np.float32)
    assert interpolation.spherical(a, b, 5) == pytest.approx(interpolation.straight(a, b, 5))


def test_grids_run_row_by_row_from_the_top():
    for grid in (interpolation.prior_grid(5), interpolation.quantile_grid(cloud(1000, 2), 5)):
        assert grid.shape == (25, 2)
        assert (np.diff(grid[:5, 0]) > 0).all()
        assert (np.diff(grid[::5, 1]) < 0).all()
    assert interpolation.prior_grid(5)[12] == pytest.approx([0, 0], abs=1e-6)


def test_draws_are_standard_normal_and_the_same_for_the_same_seed():
    assert np.array_equal(interpolation.draws(20, 3, 7), interpolation.draws(20, 3, 7))
    many = interpolation.draws(20_000, 2, 1)
    assert many.mean() == pytest.approx(0, abs=0.02)
    assert many.std() == pytest.approx(1, abs=0.02)


# Where codes come from


def test_pretrained_codes_need_neither_data_nor_weights(service: Service):
    found = service.latent.points("stacked-2", 500)
    held_out = service.runs._pretrained.bundle("stacked-2").held_out()
    assert found.images is None
    assert found.total == 10_000
    assert np.array_equal(found.positions, held_out["indices"][:500])
    assert np.array_equal(found.codes, held_out["codes"][:500].astype(np.float32))
    assert np.array_equal(service.latent.linear("stacked-2", found.positions), held_out["pca_codes"][:500].astype("f4"))
    other = service.latent.points("stacked-2", 500, seed=3)
    rows = {position: row for row, position in enumerate(held_out["indices"])}
    assert not np.array_equal(other.positions, found.positions)
    chosen = [rows[position] for position in other.positions]
    assert np.array_equal(other.labels, held_out["labels"][chosen]), "labels and codes stay with their image"
    assert np.array_equal(other.codes, held_out["codes"][chosen].astype(np.float32))


def test_metrics_of_a_pretrained_model_are_its_scorecard(service: Service):
    points = service.latent.points("stacked-2", 500)
    found = service.latent.metrics("stacked-2", points.codes, points)
    scores = service.runs.run("stacked-2").metrics
    assert found.from_scorecard == ("knn5_accuracy", "trustworthiness")
    assert (found.knn5_accuracy, found.trustworthiness) == (scores["knn5_accuracy"], scores["trustworthiness"])
    pca = service.latent.metrics("stacked-2", service.latent.linear("stacked-2", points.positions), points, pca=True)
    assert (pca.knn5_accuracy, pca.trustworthiness) == (scores["pca_knn5_accuracy"], scores["pca_trustworthiness"])
    assert found.silhouette != pca.silhouette


def test_a_run_whose_data_are_gone_says_what_to_do(service: Service):
    name = service.runs._store.create(RunConfig.make("vanilla", "mnist", "quick"))
    with pytest.raises(
        DataMissing, match=rf"MNIST, on which {name} was trained, is not on this machine\. .*mnist\.npz"
    ):
        service.latent.points(name, 500)


def test_a_run_on_digits_is_encoded_and_decoded(service: Service):
    config = RunConfig.make("variational", "digits", "quick", {"hidden": (16,), "epochs": 2, "noise": "masking"})
    (name,) = {run for run, _ in service.runs.watch(config)}
    images = datasets.load("digits", service.settings)
    found = service.latent.points(name, 100)
    assert found.images is not None
    assert np.array_equal(found.images, images.x_test[found.positions, ..., 0])
    assert np.array_equal(found.labels, images.y_test[found.positions])
    shown = datasets.corrupted_test(images, config.image_hyper)[found.positions]
    assert found.codes == pytest.approx(service.runs.infer(name, ENCODE, images=shown)["codes"], abs=1e-6)
    snapshot = service.runs.snapshot(name)
    assert snapshot is not None
    assert np.array_equal(snapshot.arrays["indices"][:100], found.positions), "the points of the run's own page"
    assert np.array_equal(service.latent.points(name, 40).positions, found.positions[:40])
    assert service.latent.available(name) == found.total == 360
    assert service.latent.linear(name, found.positions).shape == (100, 2)
    drawn = service.latent.decode(name, found.codes[:3])
    assert (drawn.shape, drawn.dtype) == ((3, 28, 28), np.uint8)
    assert found.row(int(found.positions[7])) == 7
    assert found.row(None) is None


def test_codes_that_are_not_numbers_are_reported(service: Service, monkeypatch: pytest.MonkeyPatch):
    points = service.latent.points("stacked-2", 10)
    broken = replace(points, codes=np.full_like(points.codes, np.nan))
    monkeypatch.setattr(service.latent, "_pretrained", lambda name: {
        "codes": broken.codes, "labels": broken.labels, "indices": broken.positions, "pca_codes": broken.codes,
    })  # fmt: skip
    with pytest.raises(BadInput, match="its training diverged"):
        service.latent.points("stacked-2", 10)
