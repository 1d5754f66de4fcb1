"""The variational autoencoder: its bound and likelihoods against SciPy, warm-up, what is drawn, and its form."""

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, special, stats

from aecore.analysis.images import reconstruction_metrics
from aecore.models import build
from aecore.models.variational import MANIFOLD, SAMPLES, gaussian_kl, manifold_codes
from aecore.schema import IMAGE_SHAPE
from aecore.schema.variational import Variational
from tests.unit.models import objectives

IMAGES = np.random.default_rng(0).random((6, *IMAGE_SHAPE), dtype=np.float32)
NOISY = np.random.default_rng(1).random((6, *IMAGE_SHAPE), dtype=np.float32)
BINARY = np.round(IMAGES)
CONVOLUTIONAL = {"network": "convolutional", "filters": "3,4", "halvings": 2}
PIXELS = 784
PARTS = {"loss", "elbo", "reconstruction", "kl"}


def model_of(**values: Any) -> Any:
    return build(Variational.make(values={"hidden": "9", "code_size": 3, **values}), IMAGE_SHAPE)


def terms_of(model: Any, clean: np.ndarray = IMAGES, corrupted: np.ndarray = NOISY, **more: Any) -> dict[str, float]:
    return objectives.terms_of(model, clean, corrupted, **more)


def extra_metrics_of(model: Any, clean: np.ndarray = BINARY, corrupted: np.ndarray = BINARY) -> dict[str, float]:
    return model.extra_metrics(clean, corrupted, lambda _: None)


def deaf(model: Any, means: list[float] | None = None, log_variances: list[float] | None = None) -> Any:
    """The model with the same posterior for every image, the prior if nothing is given, and a decoder not listening."""
    units = model.hyper.code_size
    last = model.encoder.dense if isinstance(model.encoder.dense, keras.layers.Layer) else model.encoder.dense[-1]
    last.kernel.assign(tf.zeros_like(last.kernel))
    last.bias.assign([*(means or [0.0] * units), *(log_variances or [0.0] * units)])
    for weight in model.decoder.weights:
        weight.assign(tf.zeros_like(weight))
    return model


# The price of the code


@pytest.mark.parametrize(("mean", "log_variance"), [(0.0, 0.0), (1.5, 0.0), (0.0, -3.0), (-0.7, 1.2), (2.0, -1.0)])
def test_kl_is_the_integral_that_it_stands_for(mean: float, log_variance: float):
    q, p = stats.norm(mean, math.exp(log_variance / 2)), stats.norm()
    expected, _ = integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), -15, 15)
    found = gaussian_kl(tf.constant([[mean]]), tf.constant([[log_variance]]))
    assert float(found[0, 0]) == pytest.approx(expected, abs=1e-5)


def test_kl_is_reported_for_each_unit_and_is_never_negative():
    rng = np.random.default_rng(0)
    mean, log_variance = rng.normal(0, 2, (40, 7)).astype(np.float32), rng.normal(0, 2, (40, 7)).astype(np.float32)
    found = gaussian_kl(tf.constant(mean), tf.constant(log_variance)).numpy()
    assert found.shape == (40, 7)
    assert found.min() >= 0
    assert gaussian_kl(tf.zeros([1, 2]), tf.zeros([1, 2])).numpy().tolist() == [[0, 0]]


# Likelihoods


def test_bernoulli_likelihood_is_the_cross_entropy_of_all_pixels():
    model = model_of()
    logits = model.logits(tf.constant(np.random.default_rng(2).normal(size=(6, 3)).astype(np.float32)))
    found = model.reconstruction_error(tf.constant(IMAGES), logits).numpy()
    expected = [reconstruction_metrics(IMAGES[k : k + 1], tf.sigmoid(logits)[k : k + 1].numpy()) for k in range(6)]
    assert found == pytest.approx([PIXELS * metrics["bce"] for metrics in expected], rel=1e-4)


@pytest.mark.parametrize("std", [0.05, 1.0])
def test_gaussian_likelihood_is_that_of_a_normal_distribution_around_the_decoded_image(std: float):
    model = model_of(likelihood="gaussian", pixel_std=std)
    codes = tf.constant(np.random.default_rng(2).normal(size=(6, 3)).astype(np.float32))
    found = model.reconstruction_error(tf.constant(IMAGES), model.logits(codes)).numpy()
    expected = -stats.norm.logpdf(IMAGES, loc=model.decode(codes).numpy(), scale=std).sum(axis=(1, 2, 3))
    assert found == pytest.approx(expected, rel=1e-4)


def test_a_pixel_as_white_as_can_be_costs_no_infinite_price():
    error = model_of().reconstruction_error(tf.zeros([1, 28, 28, 1]), tf.fill([1, 28, 28, 1], 200.0))
    assert error.numpy().tolist() == [200 * PIXELS]


# The objective


@pytest.mark.parametrize("network", [{}, CONVOLUTIONAL], ids=["dense", "convolutional"])
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("beta", [0, 1, 4])
def test_the_loss_is_the_bound_with_a_weighted_price(network: dict, likelihood: str, beta: float):
    model = model_of(likelihood=likelihood, beta=beta, **network)
    found = terms_of(model)
    mean, log_variance = model.posterior(NOISY)
    assert set(found) == PARTS
    assert found["kl"] == pytest.approx(float(tf.reduce_sum(gaussian_kl(mean, log_variance))) / 6, rel=1e-4)
    assert found["kl"] > 0.001
    assert found["loss"] == pytest.approx(found["reconstruction"] + beta * found["kl"], rel=1e-6)
    assert found["elbo"] == pytest.approx(-(found["reconstruction"] + found["kl"]), rel=1e-6), "whatever beta is"


@pytest.mark.parametrize(
    ("warm_up", "progress", "share"),
    [(0.5, 0, 0), (0.5, 0.25, 0.5), (0.5, 0.5, 1), (0.5, 0.9, 1), (1, 0.9, 0.9), (0, 0, 1)],
)  # fmt: skip
def test_warm_up_raises_beta_from_nothing(warm_up: float, progress: float, share: float):
    found = terms_of(deaf(model_of(beta=3, warm_up=warm_up), [2, 0, 1]), progress=progress)
    assert found["kl"] == pytest.approx(2.5)
    assert found["loss"] - found["reconstruction"] == pytest.approx(3 * share * 2.5, abs=1e-3)
    assert found["elbo"] == pytest.approx(-found["reconstruction"] - 2.5), "the bound knows no warm-up"


def test_the_code_is_drawn_anew_in_each_step_with_the_spread_that_the_encoder_gives():
    model = model_of(hidden="")
    first = terms_of(model, seed=1)
    assert terms_of(model, seed=1) == first
    assert terms_of(model, seed=2)["reconstruction"] != first["reconstruction"]
    model.encoder.dense[-1].kernel.assign(tf.zeros([PIXELS, 6]))
    model.encoder.dense[-1].bias.assign([0.5, -1, 2, *[-60.0] * 3])  # hardly any spread
    certain = terms_of(model, seed=1)
    assert certain["reconstruction"] == pytest.approx(terms_of(model, seed=2)["reconstruction"], rel=1e-6)
    exactly = model.reconstruction_error(tf.constant(IMAGES), model.logits(tf.constant([[0.5, -1, 2]] * 6)))
    assert certain["reconstruction"] == pytest.approx(float(tf.reduce_mean(exactly)), rel=1e-5)


@pytest.mark.parametrize("network", [{}, CONVOLUTIONAL], ids=["dense", "convolutional"])
def test_padding_counts_for_nothing(network: dict):
    """The draws of a longer batch are others, so two fillings are compared, and the price with its own."""
    model = model_of(**network)
    weights = [1] * 6 + [0] * 3
    filled = [
        terms_of(model, np.concatenate([IMAGES, more]), np.concatenate([NOISY, more[::-1]]), weights=weights)
        for more in (IMAGES[:3], 1 - IMAGES[3:])
    ]
    assert filled[0] == pytest.approx(filled[1], rel=1e-6)
    assert filled[0]["kl"] == pytest.approx(terms_of(model)["kl"], rel=1e-5)


def test_the_code_of_an_image_is_its_mean():
    model = model_of()
    mean, _ = model.posterior(IMAGES)
    assert np.array_equal(model.encode(IMAGES), mean)
    assert np.array_equal(model(IMAGES), model(IMAGES)), "no draw"
    assert np.array_equal(model(IMAGES), model.decode(mean))


@pytest.mark.parametrize(
    "values",
    [{}, {"hidden": ""}, {"hidden": "9,7", "code_size": 1}, CONVOLUTIONAL, {**CONVOLUTIONAL, "normalisation": "batch"}],
    ids=["dense", "no hidden layer", "deep", "convolutional", "batch normalisation"],
)
def test_the_configuration_knows_the_number_of_parameters(values: dict):
    model = model_of(**values)
    assert model.hyper.parameters(IMAGE_SHAPE) == model.count_params()
    assert model.encode(IMAGES).shape == (6, model.hyper.code_units)


# Figures


@pytest.fixture
def _small_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many images in a compiled call as there are here; a call is otherwise filled up to a hundred."""
    monkeypatch.setattr("aecore.models.variational._IMAGES", len(IMAGES))


@pytest.mark.parametrize("network", [{}, CONVOLUTIONAL], ids=["dense", "convolutional"])
@pytest.mark.usefixtures("_small_calls")
def test_a_model_that_knows_nothing_gives_every_pixel_half_a_chance(network: dict):
    found = extra_metrics_of(deaf(model_of(**network)))
    assert found["elbo"] == found["iwae500"] == found["elbo_reconstruction"] == pytest.approx(-PIXELS * math.log(2))
    assert found["kl"] == 0
    assert found["collapsed_units"] == 3
    assert found["iwae500_error"] == pytest.approx(0, abs=1e-6)
    assert found["iwae500_images"] == 6


@pytest.mark.usefixtures("_small_calls")
@pytest.mark.parametrize(("mean", "log_variance", "price"), [(1, 0, 0.5), (0, 1, 0.5 * (math.e - 2))])
def test_importance_weights_see_through_a_price_that_buys_nothing(mean: float, log_variance: float, price: float):
    """Codes that are not the prior's cost something in the bound, but images remain as likely as they were."""
    found = extra_metrics_of(deaf(model_of(), [mean, 0, 0], [log_variance, 0, 0]))
    assert found["kl"] == pytest.approx(price)
    assert found["collapsed_units"] == 2
    assert found["elbo_reconstruction"] == pytest.approx(found["elbo"] + price)
    assert found["elbo"] == pytest.approx(-PIXELS * math.log(2) - price, abs=0.45), "ten draws an image"
    assert found["iwae500"] == pytest.approx(-PIXELS * math.log(2), abs=0.15)
    assert 0 < found["iwae500_error"] < 0.15


@pytest.mark.parametrize("together", [4, 6])
def test_the_likelihood_is_that_of_summing_over_all_codes(together: int, monkeypatch: pytest.MonkeyPatch):
    """A code of one number, the image's brightness, can be summed over by hand."""
    monkeypatch.setattr("aecore.models.variational._IMAGES", together)  # the last call is filled up, or full
    shares = np.linspace(0.35, 0.65, 6)
    images = (np.random.default_rng(0).random((6, *IMAGE_SHAPE)) < shares[:, None, None, None]).astype(np.float32)
    model = model_of(hidden="", code_size=1)
    model.encoder.set_weights([np.tile([[4 / PIXELS, 0]], (PIXELS, 1)), np.array([-2, -4])])
    model.decoder.set_weights([np.ones((1, PIXELS)), np.zeros(PIXELS)])
    white, codes = images.sum(axis=(1, 2, 3))[:, None], np.linspace(-4, 4, 4001)
    logs = stats.norm.logpdf(codes) + white * codes - PIXELS * np.log1p(np.exp(codes))
    expected = special.logsumexp(logs, axis=1) + np.log(codes[1] - codes[0])
    found = extra_metrics_of(model, images, images)
    assert found["iwae500"] == pytest.approx(expected.mean(), abs=0.1)
    assert found["iwae500_error"] == pytest.approx(expected.std() / math.sqrt(6), abs=0.1)
    assert found["elbo"] == pytest.approx(expected.mean(), abs=3)
    assert found["elbo"] < found["iwae500"]


@pytest.mark.usefixtures("_small_calls")
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_likelihood_is_above_the_bound_and_the_bound_is_that_of_training(likelihood: str):
    model = model_of(likelihood=likelihood, pixel_std=0.5)
    model.encoder.dense[-1].kernel.assign(4 * model.encoder.dense[-1].kernel)  # a price worth mentioning
    found = extra_metrics_of(model, BINARY, NOISY)
    trained = [terms_of(model, BINARY, NOISY, seed=seed) for seed in range(10)]
    assert found["iwae500"] > found["elbo"]
    assert found["elbo"] == pytest.approx(np.mean([terms["elbo"] for terms in trained]), rel=0.02)
    assert found["kl"] == pytest.approx(trained[0]["kl"], rel=1e-4)
    assert found == extra_metrics_of(model, BINARY, NOISY), "the same draws each time"


def test_slow_decoders_are_measured_on_fewer_images(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aecore.models.variational.LIKELIHOOD_BUDGET", 1.0)
    monkeypatch.setattr("aecore.models.variational.LEAST_IMAGES", 4)
    monkeypatch.setattr("aecore.models.variational._IMAGES", 3)  # six images in two calls, four in two
    monkeypatch.setattr("aecore.models.variational._CONVOLUTIONAL_DRAWS", 10)
    stages: list[str] = []
    found = model_of(**CONVOLUTIONAL).extra_metrics(BINARY, BINARY, stages.append)
    assert found["iwae500_images"] == 4
    assert stages[0] == "the evidence lower bound"
    assert [stage.rpartition(" ")[2] for stage in stages[1:]] == ["(0%)", "(75%)"]


def test_how_images_are_cut_into_calls_leaves_the_price_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aecore.models.variational.IMPORTANCE_SAMPLES", 10)
    model, prices = model_of(), []
    for together in (4, 6):
        monkeypatch.setattr("aecore.models.variational._IMAGES", together)
        prices.append(extra_metrics_of(model)["kl"])
    assert prices[0] == pytest.approx(prices[1], rel=1e-5)
    assert prices[0] == pytest.approx(terms_of(model, BINARY, BINARY)["kl"], rel=1e-4)


# What is drawn


def test_the_manifold_is_read_like_a_page():
    side = 5
    codes = manifold_codes(side).reshape(side, side, 2)
    assert codes.dtype == np.float32
    assert (np.diff(codes[..., 0], axis=1) > 0).all(), "the first unit rises from left to right"
    assert (np.diff(codes[..., 1], axis=0) < 0).all(), "the second one rises from bottom to top"
    assert (np.ptp(codes[..., 0], axis=0) == 0).all(), "columns and rows are straight"
    assert (np.ptp(codes[..., 1], axis=1) == 0).all()


@pytest.mark.parametrize("side", [2, 5, 12])
def test_the_manifold_lies_evenly_around_the_middle_of_the_prior(side: int):
    codes = manifold_codes(side)
    assert codes.shape == (side * side, 2)
    np.testing.assert_allclose(codes, -codes[::-1], atol=1e-6)
    shares = stats.norm.cdf(np.unique(codes))
    np.testing.assert_allclose(np.diff(shares), 0.96 / (side - 1), atol=1e-5)
    assert shares[0] == pytest.approx(0.02, abs=1e-5)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"code_size": 3}, {"kl", "samples"}),
        ({"code_size": 2}, {"kl", "samples", "manifold"}),
        ({"code_size": 3, **CONVOLUTIONAL}, {"kl", "samples", "maps"}),
        ({"code_size": 2, **CONVOLUTIONAL}, {"kl", "samples", "manifold", "maps"}),
    ],
    ids=["dense", "dense plane", "convolutional", "convolutional plane"],
)
def test_a_plane_is_drawn_for_two_units_and_maps_for_convolutions(values: dict, names: set[str]):
    model = model_of(**values)
    found = {name: array.numpy() for name, array in model.visualizations(tf.constant(IMAGES)).items()}
    shapes = {
        "kl": (values["code_size"],),
        "samples": (SAMPLES, *IMAGE_SHAPE),
        "manifold": (MANIFOLD**2, *IMAGE_SHAPE),
        "maps": (3, 28, 28),
    }
    assert {name: array.shape for name, array in found.items()} == {name: shapes[name] for name in names}
    assert found["kl"] == pytest.approx(gaussian_kl(*model.posterior(IMAGES)).numpy().mean(axis=0), rel=1e-5)
    assert len(np.unique(found["samples"], axis=0)) == SAMPLES
    again = model.visualizations(tf.constant(NOISY))
    assert np.array_equal(again["samples"], found["samples"]), "the same draws throughout the training"


def test_the_corners_of_the_plane_are_the_corners_of_the_picture():
    model = model_of(code_size=2)
    plane = model.visualizations(tf.constant(IMAGES))["manifold"].numpy()
    far = float(stats.norm.ppf(0.98))
    corners = model.decode(tf.constant([[-far, far], [far, far], [-far, -far], [far, -far]], tf.float32))
    np.testing.assert_allclose(plane[[0, MANIFOLD - 1, -MANIFOLD, -1]], corners, atol=1e-5)


@pytest.mark.parametrize(("network", "shape"), [({}, (9, 28, 28)), (CONVOLUTIONAL, (3, 3, 3))])
def test_tiles_are_the_first_layer_s_weights_or_kernels(network: dict, shape: tuple[int, ...]):
    model = model_of(**network)
    assert model.tiles(64).shape == shape
    assert model.tiles(2).shape == (2, *shape[1:])


# Form and baseline


@pytest.mark.parametrize(
    ("values", "displayed", "hidden"),
    [
        ({"network": "dense"}, {"hidden", "dropout"}, {"filters", "kernel_size", "halvings", "normalisation"}),
        ({"network": "convolutional"}, {"filters", "halvings", "downsampling", "upsampling"}, {"hidden", "dropout"}),
        ({"likelihood": "bernoulli"}, {"binarise"}, {"pixel_std"}),
        ({"likelihood": "gaussian"}, {"pixel_std"}, {"binarise"}),
    ],
    ids=["dense", "convolutional", "bernoulli", "gaussian"],
)
def test_only_fields_that_have_an_effect_are_relevant(values: dict, displayed: set[str], hidden: set[str]):
    chosen = Variational.make(values=values).model_dump()
    relevant = {spec.name for spec in Variational.fields() if spec.relevant(chosen)}
    assert displayed <= relevant
    assert not hidden & relevant
    assert {"code_size", "activation", "beta"} <= relevant


def test_black_and_white_pixels_need_a_likelihood_of_them():
    assert Variational.make(values={"binarise": True}).binary
    assert not Variational.make(values={"binarise": True, "likelihood": "gaussian"}).binary
    assert not Variational.make().binary


def test_the_baseline_is_measured_in_the_same_nats():
    metrics = reconstruction_metrics(IMAGES, NOISY)
    bernoulli = -stats.bernoulli.logpmf(1, NOISY) * IMAGES - stats.bernoulli.logpmf(0, NOISY) * (1 - IMAGES)
    found = Variational.make().baseline_loss(metrics)
    assert found == pytest.approx(bernoulli.sum() / 6, rel=1e-4)
    for std in (0.1, 0.5):
        gaussian = -stats.norm.logpdf(IMAGES, loc=NOISY, scale=std).sum() / 6
        hyper = Variational.make(values={"likelihood": "gaussian", "pixel_std": std})
        assert hyper.baseline_loss(metrics) == pytest.approx(gaussian, rel=1e-4)


# Files


@pytest.mark.parametrize("network", [{}, {**CONVOLUTIONAL, "normalisation": "batch"}], ids=["dense", "convolutional"])
def test_a_keras_file_gives_the_same_model(tmp_path: Path, network: dict):
    model = model_of(**network)
    model(3 * IMAGES, training=True)  # moves the statistics of batch normalisation
    model.save(tmp_path / "model.keras")
    loaded: Any = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert loaded.hyper == model.hyper
    for ours, theirs in zip(model.posterior(IMAGES), loaded.posterior(IMAGES), strict=True):
        assert np.array_equal(ours, theirs)
    codes = model.encode(IMAGES)
    assert np.array_equal(loaded.decode(codes), model.decode(codes))
