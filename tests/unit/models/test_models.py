"""The dense models: objectives against NumPy, tied weights, padding, phases, and files."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from aecore.models import build
from aecore.models.base import Autoencoder
from aecore.models.regularizers import kl_sparsity
from aecore.schema import IMAGE_SHAPE, variant
from tests.unit.models.objectives import batch_of, terms_of

IMAGES = np.random.default_rng(0).random((6, *IMAGE_SHAPE), dtype=np.float32)
NOISY = np.random.default_rng(1).random((6, *IMAGE_SHAPE), dtype=np.float32)


def model_of(name: str = "vanilla", **values: Any) -> Any:
    return build(variant(name).make(values={"code_size": 5, **values}), IMAGE_SHAPE)


def kl_by_hand(codes: np.ndarray, target: float) -> float:
    mean = codes.mean(axis=0, dtype=np.float64)
    return float(np.sum(target * np.log(target / mean) + (1 - target) * np.log((1 - target) / (1 - mean))))


# The objective


@pytest.mark.parametrize("output", ["sigmoid", "relu", "linear"])
def test_the_target_is_the_clean_image(output: str):
    model = model_of(output_activation=output)
    found = terms_of(model, IMAGES, NOISY, training=False)
    assert found == {"loss": pytest.approx(np.square(IMAGES - model(NOISY).numpy()).mean(), rel=1e-5)}


def test_cross_entropy_on_logits_is_keras_s_on_probabilities():
    model = model_of(loss="bce")
    expected = keras.losses.BinaryCrossentropy()(IMAGES, model(NOISY))
    assert terms_of(model, IMAGES, NOISY, training=False)["loss"] == pytest.approx(float(expected), rel=1e-4)
    surely = tf.constant([[[[200.0]]], [[[-200.0]]]])
    assert model.reconstruction_error(tf.constant([[[[0.0]]], [[[0.0]]]]), surely).numpy().tolist() == [200, 0]


@pytest.mark.parametrize("target", [0.05, 0.5])
def test_kl_penalty(target: float):
    codes = np.random.default_rng(0).uniform(0.01, 0.99, (40, 7)).astype(np.float32)
    found = kl_sparsity(tf.constant(codes), tf.ones(40), target)
    assert float(found) == pytest.approx(kl_by_hand(codes, target), rel=1e-4)


def test_kl_penalty_is_nothing_at_the_target_and_finite_at_the_ends():
    assert float(kl_sparsity(tf.fill([8, 3], 0.05), tf.ones(8), 0.05)) == pytest.approx(0, abs=1e-6)
    for silent in (0.0, 1.0):
        value = float(kl_sparsity(tf.fill([8, 3], silent), tf.ones(8), 0.05))
        assert 0.1 < value < 100


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"penalty": "l1", "penalty_l1": 0.3}, lambda h: 0.3 * np.abs(h).sum(1).mean()),
        ({"penalty": "l2", "penalty_l2": 0.2}, lambda h: 0.2 * np.square(h).sum(1).mean()),
        (
            {"penalty": "l1_l2", "penalty_l1": 0.3, "penalty_l2": 0.2},
            lambda h: (0.3 * np.abs(h) + 0.2 * np.square(h)).sum(1).mean(),
        ),
        (
            {"penalty": "kl", "code_activation": "sigmoid", "sparsity_weight": 0.5, "sparsity_target": 0.1},
            lambda h: 0.5 * kl_by_hand(h, 0.1),
        ),
    ],
    ids=["l1", "l2", "l1_l2", "kl"],
)
def test_penalties_are_really_in_the_loss(values: dict, expected):
    model = model_of("sparse", **{"code_activation": "linear", **values})
    found = terms_of(model, IMAGES, NOISY)
    assert found["penalty"] == pytest.approx(expected(model.encode(NOISY).numpy()), rel=1e-4)
    assert found["reconstruction"] == pytest.approx(np.square(IMAGES - model(NOISY).numpy()).mean(), rel=1e-5)
    assert found["loss"] == pytest.approx(found["reconstruction"] + found["penalty"], rel=1e-6)
    assert found["penalty"] > 0.01


def test_without_a_penalty_there_is_none():
    assert set(terms_of(model_of("sparse", penalty="none"), IMAGES, NOISY)) == {"loss"}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("vanilla", {"loss": "bce"}),
        ("sparse", {"penalty": "l1_l2", "code_activation": "linear"}),
        ("sparse", {"penalty": "kl", "code_activation": "sigmoid"}),
        ("stacked", {"hidden": "8", "pretraining": "layerwise"}),
    ],
)
def test_padding_counts_for_nothing(name: str, values: dict):
    model = model_of(name, **values)
    wrong = np.concatenate([IMAGES, 1 - IMAGES[:3]]), np.concatenate([NOISY, 1 - NOISY[:3]])
    plain_batch, padded = batch_of(model, IMAGES, NOISY), batch_of(model, *wrong, [1] * 6 + [0] * 3)
    for phase in model.training_phases():
        results = []
        for batch in (plain_batch, padded):
            with tf.GradientTape() as tape:
                terms = phase.objective(batch, True)
            slopes = tape.gradient(terms["loss"], phase.variables)
            results.append(({name: float(value) for name, value in terms.items()}, slopes))
        (plain, gradients), (filled, same) = results
        assert filled == pytest.approx(plain, rel=1e-5)
        for a, b in zip(gradients, same, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-7)


# Layers


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("hidden", ["", "9,7"])
def test_the_configuration_knows_the_number_of_parameters(tied: bool, hidden: str):
    model = model_of(tied_weights=tied, hidden=hidden)
    assert model.count_params() == model.hyper.parameters(IMAGE_SHAPE)


def test_tied_weights_share_the_matrix():
    model = model_of(tied_weights=True, hidden="9", activation="tanh", code_activation="linear")
    assert sorted(len(variable.shape) for variable in model.trainable_variables) == [1, 1, 1, 1, 2, 2]
    before = model.decode(np.ones((1, 5), np.float32)).numpy()
    model.encoder.dense[0].kernel.assign(model.encoder.dense[0].kernel * 2)
    after = model.decode(np.ones((1, 5), np.float32)).numpy()
    np.testing.assert_allclose(np.log(after / (1 - after)), 2 * np.log(before / (1 - before)), rtol=1e-2, atol=1e-3)


def test_dropout_acts_in_training_only():
    model = model_of(hidden="64", dropout=0.5)
    assert np.array_equal(model(IMAGES, training=False), model(IMAGES, training=False))
    assert not np.array_equal(model(IMAGES, training=True), model(IMAGES, training=True))


@pytest.mark.parametrize("initializer", ["glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "orthogonal"])
def test_the_seed_fixes_the_first_weights(initializer: str):
    first, same, other = (model_of(hidden="8", initializer=initializer, seed=seed) for seed in (3, 3, 4))
    for a, b, c in zip(first.get_weights(), same.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(a, b)
        assert a.ndim < 2 or not np.array_equal(a, c)


def test_tiles_are_the_first_layer_s_weights():
    model = model_of(hidden="9")
    kernel = np.asarray(model.encoder.dense[0].kernel)
    tiles = model.tiles(4).numpy()
    assert tiles.shape == (4, 28, 28)
    assert np.array_equal(tiles[3].ravel(), kernel[:, 3])
    assert model.tiles(64).shape == (9, 28, 28)


@pytest.mark.parametrize("tied", [False, True])
def test_a_layerwise_phase_changes_only_its_layer(tied: bool):
    model = model_of("stacked", hidden="9,7", pretraining="layerwise", tied_weights=tied)
    *alone, together = model.training_phases()
    assert [phase.name for phase in alone] == ["layer 1", "layer 2", "layer 3"]
    for k, phase in enumerate(alone):
        before = model.get_weights()
        with tf.GradientTape() as tape:
            loss = phase.objective(batch_of(model, IMAGES, NOISY), True)["loss"]
        gradients: Any = tape.gradient(loss, phase.variables)
        for variable, gradient in zip(phase.variables, gradients, strict=True):
            assert gradient is not None
            assert np.abs(gradient).max() > 0
            variable.assign_sub(gradient)
        layers = [*model.encoder.dense, *reversed(model.decoder.dense)]
        changed = {
            number % 3
            for number, layer in enumerate(layers)
            if any(np.any(np.asarray(v) != before[_index(model, v)]) for v in layer.variables)
        }
        assert changed == {k}
    assert len(together.variables) == len(model.trainable_variables)


def _index(model: Autoencoder, variable: keras.Variable) -> int:
    return next(k for k, other in enumerate(model.weights) if other is variable)


# Files


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("vanilla", {}),
        ("sparse", {"loss": "bce"}),
        ("denoising", {"tied_weights": True, "hidden": "9", "output_activation": "relu"}),
        ("stacked", {"hidden": "9,7", "dropout": 0.3, "precision": "mixed_bfloat16"}),
    ],
)
def test_a_keras_file_gives_the_same_model(tmp_path: Path, name: str, values: dict):
    model = model_of(name, **values)
    model.save(tmp_path / "model.keras")
    loaded: Any = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert type(loaded) is type(model)
    assert loaded.hyper == model.hyper
    codes = model.encode(IMAGES)
    assert np.array_equal(loaded.encode(IMAGES), codes)
    assert np.array_equal(loaded.decode(codes), model.decode(codes))
    assert np.array_equal(loaded(IMAGES), model(IMAGES))
