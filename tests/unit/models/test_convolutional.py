"""The convolutional autoencoder: its arithmetic against Keras, where it halves and cuts, its code, and its files."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from aecore.errors import BadInput
from aecore.models import build
from aecore.models.convolutional import MAPS, feature_maps, kernels
from aecore.schema import IMAGE_SHAPE, RunConfig
from aecore.schema.convolutional import Convolutional
from aecore.schema.layers import MAX_CODE, MAX_LAYERS
from aecore.training.checkpoint import Position, Stored, pack
from aecore.training.optimizers import make_optimizer
from tests.unit.models.objectives import terms_of

IMAGES = np.random.default_rng(0).random((5, *IMAGE_SHAPE), dtype=np.float32)
NOISY = np.random.default_rng(1).random((5, *IMAGE_SHAPE), dtype=np.float32)
BY_KERNELS = {"downsampling": "stride", "upsampling": "transposed"}


def model_of(**values: Any) -> Any:
    return build(Convolutional.make(values={"filters": "3,4", "halvings": 2, **values}), IMAGE_SHAPE)


def refusal(field: str, **values: Any) -> str:
    """The one sentence with which a field, and no other, is refused."""
    with pytest.raises(BadInput) as caught:
        RunConfig.make("convolutional", "digits", None, values)
    assert list(caught.value.problems) == [field]
    sentence = caught.value.problems[field]
    assert sentence.endswith(".")
    assert ". " not in sentence, "more than one sentence"
    return sentence


# The book's network


def test_the_book_s_network_halves_28_to_4_and_has_its_number_of_parameters():
    hyper = Convolutional.make("book")
    assert hyper.map_sizes(IMAGE_SHAPE) == [(28, 28), (14, 14), (7, 7), (4, 4)]
    assert hyper.code_maps(IMAGE_SHAPE) == (4, 4, 16)
    assert hyper.code_units == 256
    assert [layer.padding for layer in hyper.decoder_layers(IMAGE_SHAPE)] == ["same", "same", "valid", "same"]
    assert hyper.parameters(IMAGE_SHAPE) == build(hyper, IMAGE_SHAPE).count_params() == 30_689


def test_the_book_s_network_is_the_one_that_is_written_in_keras_by_hand():
    layers = keras.layers
    by_hand = keras.Sequential(
        [
            layers.Input(IMAGE_SHAPE),
            layers.Conv2D(32, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(padding="same"),
            layers.Conv2D(32, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(padding="same"),
            layers.Conv2D(16, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(padding="same"),
            layers.Conv2D(16, 3, activation="relu", padding="same"),
            layers.UpSampling2D(),
            layers.Conv2D(32, 3, activation="relu", padding="same"),
            layers.UpSampling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.UpSampling2D(),
            layers.Conv2D(1, 3, activation="sigmoid", padding="same"),
        ]
    )
    model = build(Convolutional.make("book"), IMAGE_SHAPE)
    by_hand.set_weights(model.get_weights())
    assert by_hand.count_params() == 30_689
    np.testing.assert_allclose(model(IMAGES), by_hand(IMAGES), atol=1e-5)


# Halving and doubling


@pytest.mark.parametrize(
    ("filters", "halvings", "positions"),
    [(1, 1, [0]), (3, 1, [0]), (3, 2, [0, 2]), (4, 4, [0, 1, 2, 3]), (5, 3, [0, 2, 4]), (6, 2, [0, 3])],
)  # fmt: skip
def test_the_first_convolution_halves_and_then_every_so_many(filters: int, halvings: int, positions: list[int]):
    hyper = Convolutional.make(values={"filters": [4] * filters, "halvings": halvings})
    assert [k for k, downsamples in enumerate(hyper.halving) if downsamples] == positions


@pytest.mark.parametrize("filters", range(1, MAX_LAYERS + 1))
def test_halvings_are_spread_evenly(filters: int):
    for halvings in range(1, min(filters, 4) + 1):
        hyper = Convolutional.make(values={"filters": [4] * filters, "halvings": halvings})
        positions = [k for k, downsamples in enumerate(hyper.halving) if downsamples]
        gaps = [after - before for before, after in pairwise([*positions, filters])]
        assert positions[0] == 0
        assert len(positions) == halvings
        assert max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize("halvings", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel_size", range(1, 10))
def test_whatever_the_kernel_images_keep_their_size_and_parameters_are_counted(kernel_size: int, halvings: int):
    for rescaling in ({}, BY_KERNELS):
        model = model_of(filters="2,1,2,3", kernel_size=kernel_size, halvings=halvings, **rescaling)
        assert model(IMAGES[:1]).shape == (1, *IMAGE_SHAPE)
        assert model.encode(IMAGES[:1]).shape == (1, model.hyper.code_units)
        assert model.hyper.parameters(IMAGE_SHAPE) == model.count_params()


@pytest.mark.parametrize("downsampling", ["pool", "stride"])
@pytest.mark.parametrize("upsampling", ["resize", "transposed"])
def test_maps_have_the_size_that_the_configuration_tells(downsampling: str, upsampling: str):
    model = model_of(filters="3,4,2", halvings=3, downsampling=downsampling, upsampling=upsampling)
    maps = tf.constant(IMAGES)
    for convolution, size in zip(model.encoder.convolutions, model.hyper.map_sizes(IMAGE_SHAPE)[1:], strict=True):
        maps = convolution(maps)
        assert maps.shape[1:3] == size
    assert np.array_equal(tf.reshape(maps, [5, -1]), model.encode(IMAGES))


@pytest.mark.parametrize(
    ("values", "unpadded", "size"),
    [({"kernel_size": 3}, [2], 28), ({"kernel_size": 5}, [3], 28), ({"kernel_size": 2}, [1], 28),
     ({"kernel_size": 4}, [], 32), ({"kernel_size": 3, **BY_KERNELS}, [], 32)],
)  # fmt: skip
def test_where_no_unpadded_convolution_fits_the_middle_is_cut_out(values: dict, unpadded: list[int], size: int):
    """Ways down 28, 14, 7, 4 have to come back as 28: by dropping a border on the way, or at the end."""
    model = model_of(filters="3,4,2", halvings=3, **values)
    layers = model.hyper.decoder_layers(IMAGE_SHAPE)
    assert [k for k, layer in enumerate(layers) if layer.padding == "valid"] == unpadded
    codes = model.encode(IMAGES)
    maps = tf.reshape(codes, [-1, *model.hyper.code_maps(IMAGE_SHAPE)])
    for convolution in model.decoder.convolutions:
        maps = convolution(maps)
    assert maps.shape == (5, size, size, 1)
    cut = (size - 28) // 2
    assert np.array_equal(model.logits(codes), maps[:, cut : cut + 28, cut : cut + 28])


# Code and normalisation


def test_without_a_dense_code_the_code_is_the_last_maps():
    model = model_of(filters="3,4")
    assert model.hyper.code_units == 7 * 7 * 4
    assert model.encode(IMAGES).shape == (5, 196)
    assert np.array_equal(model(IMAGES), model.decode(model.encode(IMAGES)))


@pytest.mark.parametrize("normalisation", ["none", "batch", "layer"])
def test_a_dense_code_has_the_size_chosen(normalisation: str):
    model = model_of(code_size=6, code_activation="sigmoid", activation="tanh", normalisation=normalisation)
    codes = model.encode(IMAGES).numpy()
    assert codes.shape == (5, 6)
    assert codes.min() > 0
    assert codes.max() < 1
    assert np.array_equal(model(IMAGES), model.decode(codes))
    assert model.hyper.parameters(IMAGE_SHAPE) == model.count_params()


@pytest.mark.parametrize("normalisation", ["batch", "layer"])
@pytest.mark.parametrize("rescaling", [{}, BY_KERNELS], ids=["pool and resize", "by kernels"])
def test_normalisation_takes_the_place_of_biases(normalisation: str, rescaling: dict):
    model = model_of(normalisation=normalisation, **rescaling)
    assert model.hyper.parameters(IMAGE_SHAPE) == model.count_params()
    *inner, last = [*model.encoder.convolutions, *model.decoder.convolutions]
    assert not any(convolution.conv.use_bias for convolution in inner)
    assert last.norm is None, "the image itself is not normalised"
    assert last.conv.use_bias


def test_each_map_is_normalised_over_the_batch_and_each_pixel_over_its_filters():
    batch = model_of(filters="6", halvings=1, normalisation="batch", activation="linear")
    maps = batch.encoder.convolutions[0].maps(IMAGES, training=True).numpy()
    np.testing.assert_allclose(maps.mean(axis=(0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(maps.std(axis=(0, 1, 2)), 1, atol=0.05)
    layer = model_of(filters="6", halvings=1, normalisation="layer", activation="linear")
    maps = layer.encoder.convolutions[0].maps(IMAGES).numpy()
    np.testing.assert_allclose(maps.mean(axis=3), 0, atol=1e-4)


@pytest.mark.parametrize(("normalisation", "differs"), [("none", False), ("batch", True), ("layer", False)])
def test_only_batch_normalisation_tells_training_from_measuring(normalisation: str, differs: bool):
    model = model_of(normalisation=normalisation)
    measured = model(IMAGES).numpy()
    assert np.array_equal(measured, model(IMAGES)), "measuring changes nothing"
    assert np.array_equal(model(IMAGES, training=True), measured) is not differs
    assert np.array_equal(model(IMAGES), measured) is not differs, "moving statistics are what is measured with"


def test_a_checkpoint_holds_the_moving_statistics():
    model = model_of(normalisation="batch")
    optimizer = make_optimizer(model.hyper)
    optimizer.build(model.trainable_variables)
    untrained = model(IMAGES).numpy()
    model(3 * IMAGES, training=True)
    stored = Stored(pack(model, optimizer, Position(1e-3)))
    fresh = build(model.hyper, IMAGE_SHAPE)
    assert np.array_equal(fresh(IMAGES), untrained)
    stored.restore_model(fresh)
    assert np.array_equal(fresh(IMAGES), model(IMAGES))
    assert not np.array_equal(fresh(IMAGES), untrained)


def test_numbers_stay_single_precision_where_layers_compute_in_half():
    model = model_of(code_size=4, normalisation="batch", precision="mixed_bfloat16")
    codes = model.encode(IMAGES)
    assert codes.dtype == model.decode(codes).dtype == tf.float32
    assert model.encoder.convolutions[0].maps(IMAGES).dtype == tf.bfloat16


# The objective


@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_the_loss_is_that_of_the_clean_pixels(loss: str):
    model = model_of(loss=loss)
    output = model(NOISY).numpy()
    expected = {
        "mse": np.square(IMAGES - output).mean(),
        "bce": -(IMAGES * np.log(output) + (1 - IMAGES) * np.log(1 - output)).mean(),
    }
    assert terms_of(model, IMAGES, NOISY, [1] * 5) == {"loss": pytest.approx(float(expected[loss]), rel=1e-4)}


def test_padding_counts_for_nothing():
    model = model_of(normalisation="layer", code_size=4)
    plain = terms_of(model, IMAGES, NOISY, [1] * 5)
    padded = np.concatenate([IMAGES, 1 - IMAGES]), np.concatenate([NOISY, 1 - NOISY])
    assert terms_of(model, *padded, [1] * 5 + [0] * 5) == pytest.approx(plain, rel=1e-5)


# Refusals


def test_more_halvings_than_filters_are_refused():
    sentence = refusal("halvings", filters="8,8", halvings=3)
    assert "as many as there are filters (2)" in sentence
    assert "received 3" in sentence
    assert Convolutional.make(values={"filters": "8,8", "halvings": 2})


@pytest.mark.parametrize("count", [0, MAX_LAYERS + 1])
def test_too_few_and_too_many_filters_are_refused(count: int):
    assert refusal("filters", filters=[4] * count) == f"filters takes 1 to {MAX_LAYERS} numbers; received {count}."
    assert Convolutional.make(values={"filters": [4] * MAX_LAYERS})


def test_a_code_that_is_too_large_is_refused_with_what_to_do():
    sentence = refusal("filters", filters="64", halvings=1)
    for part in ("12,544 numbers", "64 maps of 14×14", f"{MAX_CODE:,}", "halve more often", "choose a dense code"):
        assert part in sentence
    for values in ({"filters": "20"}, {"filters": "64", "code_size": 8}):  # 3,920 numbers, and 8
        assert RunConfig.make("convolutional", "digits", None, {"halvings": 1, **values}).hyper.code_units <= MAX_CODE


# What is drawn


def test_tiles_are_the_first_convolution_s_kernels():
    model = model_of(filters="7,3", kernel_size=5)
    found = kernels(model.encoder).numpy()
    assert found.shape == (7, 5, 5)
    assert np.array_equal(found[6], np.asarray(model.encoder.convolutions[0].conv.kernel)[:, :, 0, 6])
    assert np.array_equal(model.tiles(4), found[:4])
    assert model.tiles(64).shape == (7, 5, 5)


def test_feature_maps_are_what_pooling_is_given():
    model = model_of(filters="7,3")
    found = feature_maps(model.encoder, tf.constant(IMAGES[2])).numpy()
    assert found.shape == (7, 28, 28)
    pooled = found.reshape(7, 14, 2, 14, 2).max(axis=(2, 4))
    np.testing.assert_allclose(pooled, tf.transpose(model.encoder.convolutions[0](IMAGES)[2], [2, 0, 1]), atol=1e-6)


def test_feature_maps_of_the_first_held_out_image_are_drawn_but_not_too_many():
    few, many = model_of(filters="7,3", downsampling="stride"), model_of(filters=f"{MAPS + 6},3")
    drawn = few.visualizations(tf.constant(IMAGES))["maps"]
    assert drawn.shape == (7, 14, 14), "a stride has halved them already"
    assert np.array_equal(drawn, feature_maps(few.encoder, tf.constant(IMAGES[0])))
    assert many.visualizations(tf.constant(IMAGES))["maps"].shape == (MAPS, 28, 28)


# Files


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"code_size": 6, "normalisation": "batch", "loss": "bce", **BY_KERNELS},
        {"normalisation": "layer", "activation": "swish", "filters": "3,2,4", "upsampling": "transposed"},
        {"code_size": 4, "normalisation": "batch", "precision": "mixed_bfloat16"},
    ],
    ids=["plain", "batch", "layer", "half precision"],
)
def test_a_keras_file_gives_the_same_model(tmp_path: Path, values: dict):
    model = model_of(**values)
    model(3 * IMAGES, training=True)  # moves the statistics of batch normalisation
    model.save(tmp_path / "model.keras")
    loaded: Any = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert type(loaded) is type(model)
    assert loaded.hyper == model.hyper
    codes = model.encode(IMAGES)
    assert np.array_equal(loaded.encode(IMAGES), codes)
    assert np.array_equal(loaded.decode(codes), model.decode(codes))


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_a_part_of_a_saved_model_works_alone(part: str, tmp_path: Path):
    model = model_of(code_size=5, normalisation="batch")
    getattr(model, part).save(tmp_path / "part.keras")
    alone: Any = keras.saving.load_model(tmp_path / "part.keras", safe_mode=True)
    given = tf.random.stateless_normal((3, *(IMAGE_SHAPE if part == "encoder" else (5,))), (0, 0))
    assert np.array_equal(alone(given), getattr(model, part)(given))


def test_fields_without_an_effect_refuse_nothing():
    dense = RunConfig.make("variational", "digits", None, {"network": "dense", "filters": "8"})
    assert dense.hyper.model_dump()["filters"] == (8,)
    many = {"network": "convolutional", "hidden": ",".join(["8"] * 11)}
    assert RunConfig.make("variational", "digits", None, many)


def test_a_model_too_large_is_reported_beside_its_filters():
    huge = {"filters": ",".join(["512"] * 10), "halvings": 4, "kernel_size": 9}
    with pytest.raises(BadInput) as caught:
        RunConfig.make("convolutional", "digits", None, huge)
    assert list(caught.value.problems) == ["filters"]
