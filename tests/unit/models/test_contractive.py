"""The contractive autoencoder: its Jacobian against automatic differentiation, and what the penalty does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from aecore.datasets import Images, load
from aecore.models import build
from aecore.models.contractive import jacobian_norm
from aecore.schema import IMAGE_SHAPE
from aecore.schema.contractive import Contractive
from aecore.settings import Settings
from aecore.training.image_data import ImageData
from aecore.training.loop import CompiledLoop, Loop
from tests.unit.models.objectives import terms_of

IMAGES = np.random.default_rng(0).random((4, *IMAGE_SHAPE), dtype=np.float32)
NOISY = np.random.default_rng(1).random((4, *IMAGE_SHAPE), dtype=np.float32)


def model_of(**values: Any) -> Any:
    return build(Contractive.make(values={"code_size": 5, **values}), IMAGE_SHAPE)


def by_differentiation(model: Any, image: np.ndarray) -> float:
    """The sum of squares of the matrix [code, pixels] of one image's derivatives."""
    corrupted = tf.constant(image[None])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(corrupted)
        code = model.encode(corrupted)[0]
        units = [code[k] for k in range(code.shape[0])]
    rows: Any = [tape.gradient(unit, corrupted) for unit in units]
    return float(np.square(np.stack(rows), dtype=np.float64).sum())


# The norm


@pytest.mark.parametrize("tied", [False, True], ids=["free", "tied"])
@pytest.mark.parametrize(
    "values",
    [
        {"code_activation": "sigmoid"},
        {"code_activation": "linear"},
        {"hidden": "9", "activation": "swish", "code_activation": "sigmoid"},
        {"hidden": "9", "activation": "tanh", "code_activation": "linear"},
        {"hidden": "12,7,9", "activation": "relu", "code_activation": "tanh", "code_size": 3},
        {"hidden": "9,14", "activation": "gelu", "code_activation": "relu", "dropout": 0.5},
    ],
    ids=["sigmoid", "linear", "swish", "tanh", "relu", "gelu and dropout"],
)
def test_the_norm_is_that_of_all_derivatives(values: dict, tied: bool):
    model = model_of(tied_weights=tied, **values)
    for layer in model.encoder.dense:
        layer.bias.assign(np.random.default_rng(3).normal(0, 0.3, layer.bias.shape))
    expected = [by_differentiation(model, image) for image in IMAGES]
    found = jacobian_norm(model.encoder, tf.constant(IMAGES)).numpy()
    assert found == pytest.approx(expected, rel=1e-4)
    assert found.min() > 0


def test_one_sigmoid_layer_has_the_norm_of_the_paper():
    model = model_of()
    h = model.encode(IMAGES).numpy()
    weights = np.asarray(model.encoder.dense[0].kernel)
    expected = np.square(h * (1 - h)) @ np.square(weights).sum(axis=0)
    assert jacobian_norm(model.encoder, tf.constant(IMAGES)).numpy() == pytest.approx(expected, rel=1e-5)


def test_a_linear_code_has_the_norm_of_its_weights_whatever_the_image():
    model = model_of(code_activation="linear")
    kernel = model.encoder.dense[0].kernel
    expected = float(np.square(np.asarray(kernel)).sum())
    assert jacobian_norm(model.encoder, tf.constant(IMAGES)).numpy() == pytest.approx([expected] * 4, rel=1e-5)
    kernel.assign(tf.zeros_like(kernel))
    assert jacobian_norm(model.encoder, tf.constant(IMAGES)).numpy().tolist() == [0] * 4


def test_saturated_units_do_not_move():
    model = model_of()
    model.encoder.dense[0].bias.assign([1000, -1000, 1000, -1000, 1000])
    assert jacobian_norm(model.encoder, tf.constant(IMAGES)).numpy().tolist() == [0] * 4


def test_layers_that_compute_in_half_precision_have_nearly_the_same_norm():
    whole, half = (
        model_of(hidden="9", activation="tanh", precision=precision) for precision in ("float32", "mixed_bfloat16")
    )
    found = jacobian_norm(half.encoder, tf.constant(IMAGES))
    assert found.dtype == tf.float32
    assert found.numpy() == pytest.approx(jacobian_norm(whole.encoder, tf.constant(IMAGES)).numpy(), rel=0.02)


# The objective


@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_the_penalty_is_the_mean_norm_at_what_the_model_is_shown(loss: str):
    model = model_of(loss=loss, contraction=0.3, hidden="9", activation="tanh")
    found = terms_of(model, IMAGES, NOISY, [1] * 4)
    expected = 0.3 * np.mean([by_differentiation(model, image) for image in NOISY])
    output = model(NOISY).numpy()
    error = {
        "mse": np.square(IMAGES - output),
        "bce": -IMAGES * np.log(output) - (1 - IMAGES) * np.log(1 - output),
    }[loss]
    assert found["penalty"] == pytest.approx(expected, rel=1e-4)
    assert found["reconstruction"] == pytest.approx(float(error.mean()), rel=1e-4)
    assert found["loss"] == pytest.approx(found["reconstruction"] + found["penalty"], rel=1e-6)


def test_padding_counts_for_nothing():
    model = model_of(contraction=0.3)
    plain = terms_of(model, IMAGES, NOISY, [1] * 4)
    padded = np.concatenate([IMAGES, 1 - IMAGES]), np.concatenate([NOISY, 0 * NOISY])
    assert terms_of(model, *padded, [1] * 4 + [0] * 4) == pytest.approx(plain, rel=1e-5)


def test_the_gradient_of_the_penalty_is_the_slope_of_the_norm():
    """The norm is made of gradients itself: theirs must reach the weights."""
    model = model_of(hidden="6", activation="tanh")
    kernel = model.encoder.dense[0].kernel
    step = np.random.default_rng(2).normal(size=kernel.shape).astype(np.float32)

    def norm(moved: float) -> float:
        kernel.assign(start + moved * step)
        return float(tf.reduce_sum(jacobian_norm(model.encoder, tf.constant(IMAGES))))

    start = np.asarray(kernel).copy()
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(jacobian_norm(model.encoder, tf.constant(IMAGES)))
    gradient: Any = tape.gradient(value, kernel.value)
    expected = (norm(1e-3) - norm(-1e-3)) / 2e-3
    assert float(np.sum(gradient.numpy() * step)) == pytest.approx(expected, rel=0.01)


def test_metrics_are_the_mean_over_all_images_however_they_are_cut():
    model = model_of()
    many = np.random.default_rng(4).random((260, *IMAGE_SHAPE), dtype=np.float32) ** 8
    many[250:] *= 0  # a second, smaller part that differs
    stages: list[str] = []
    found = model.extra_metrics(1 - many, many, stages.append)
    expected = jacobian_norm(model.encoder, tf.constant(many)).numpy().mean()
    assert found == {"jacobian_norm": pytest.approx(float(expected), rel=1e-5)}
    assert len(stages) == 1


# Training


@pytest.fixture(scope="module")
def digits() -> Images:
    images = load("digits", Settings(home=Path("unused")))
    return Images(images.x_train[:256], images.y_train[:256], images.x_test[:64], images.y_test[:64])


@pytest.mark.parametrize("hidden", ["", "16"], ids=["one layer", "deep"])
def test_training_with_a_penalty_makes_the_code_hold_still(hidden: str, digits: Images):
    corrupted = digits.x_test.astype(np.float32) / 255
    norms, errors = [], []
    for contraction in (0.0, 0.01):
        hyper = Contractive.make(
            values={"hidden": hidden, "activation": "swish", "code_size": 16, "tied_weights": True, "batch_size": 16,
                    "learning_rate": 3e-3, "epochs": 10, "contraction": contraction}
        )  # fmt: skip
        model: Any = build(hyper, IMAGE_SHAPE)
        compiled = CompiledLoop(model, model.training_phases()[0], ImageData, xla=False)
        loop = Loop(compiled, hyper, hyper.epochs, ImageData(digits, hyper))
        first, untrained = jacobian_norm(model.encoder, tf.constant(corrupted)).numpy().mean(), loop.evaluate(0)
        for epoch in range(hyper.epochs):
            loop.train(epoch, 0, loop.steps_per_epoch, hyper.learning_rate)
        trained = loop.evaluate(1)
        norms.append(model.extra_metrics(corrupted, corrupted, lambda _: None)["jacobian_norm"])
        errors.append(trained["reconstruction"] / untrained["reconstruction"])
        assert trained["penalty"] == pytest.approx(contraction * norms[-1], rel=1e-3)
    assert norms[0] > first, "left alone, the code moves faster and faster"
    assert norms[1] < 0.5 * norms[0]
    assert max(errors) < 0.8, "both learn to reconstruct"
