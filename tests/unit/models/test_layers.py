"""Weights and activities of each layer, checked against the network itself."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from aecore.errors import BadInput
from aecore.messages.jobs import InferenceRequest, Operation
from aecore.models import build
from aecore.schema import IMAGE_SHAPE, RunConfig
from aecore.training.model_cache import ModelCache

IMAGES: Any = np.random.default_rng(0).random((7, 28, 28, 1), dtype=np.float32)
MODELS = {
    "shallow": ("vanilla", {"code_size": 6}),
    "deep": ("stacked", {"hidden": [20, 12], "code_size": 5, "activation": "tanh"}),
    "tied": ("stacked", {"hidden": [20], "code_size": 5, "tied_weights": True, "activation": "relu"}),
    "contractive": ("contractive", {"hidden": [], "code_size": 5}),
    "maps as code": ("convolutional", {"filters": [5, 4], "halvings": 2, "code_size": 0, "downsampling": "pool"}),
    "dense code": (
        "convolutional",
        {"filters": [5, 4], "halvings": 2, "code_size": 6, "upsampling": "transposed", "normalisation": "batch"},
    ),
    "variational": ("variational", {"hidden": [20], "code_size": 3}),
    "variational, convolutional": (
        "variational",
        {"network": "convolutional", "filters": [5, 4], "halvings": 2, "code_size": 3},
    ),
}


def made(name: str) -> Any:
    variant, values = MODELS[name]
    return build(RunConfig.make(variant, "digits", None, dict(values)).hyper, IMAGE_SHAPE)


@pytest.mark.parametrize("name", MODELS)
def test_shapes_are_as_documented_and_the_code_is_in_the_middle(name: str) -> None:
    model = made(name)
    layers = {layer.name: layer for layer in model.inspected_layers()}
    for layer in layers.values():
        pictures, matrix = np.asarray(layer.pictures()), np.asarray(layer.matrix())
        assert pictures.shape == layer.shape, layer.name
        assert len(matrix) == layer.shape[0], layer.name
        activity = np.asarray(layer.activity(IMAGES))
        assert activity.shape[-1] == layer.shape[0], layer.name
        assert activity.ndim == (4 if layer.convolutional else 2), layer.name
        assert layer.mean_activity(tf.constant(IMAGES))["activity"].shape == (len(IMAGES), layer.shape[0]), layer.name
    codes = np.asarray(model.encode(IMAGES))
    last = [name for name in layers if name.startswith("encoder")][-1]
    for middle in (last, "decoder_1"):
        np.testing.assert_allclose(np.asarray(layers[middle].activity(IMAGES)).reshape(codes.shape), codes, atol=1e-6)


@pytest.mark.parametrize("name", ["shallow", "deep", "tied", "contractive", "variational"])
def test_dense_weights_draw_and_look_as_the_network_does(name: str) -> None:
    """Without activations and biases, pictures are the whole way from the image, or to it."""
    model = made(name)
    layers = {layer.name: layer for layer in model.inspected_layers()}
    flat = IMAGES.reshape(len(IMAGES), -1)
    before = flat
    for layer in model.encoder.dense:
        before = before @ np.asarray(layer.kernel)
    last = [layer for title, layer in layers.items() if title.startswith("encoder")][-1]
    seen = np.einsum("nhwc,uhwc->nu", IMAGES, np.asarray(last.pictures()))
    np.testing.assert_allclose(seen, before[:, : seen.shape[1]], atol=1e-4)
    first = layers["decoder_1"]
    drawn = np.asarray(first.matrix())
    for title in [title for title in layers if title.startswith("decoder")][1:]:
        drawn = drawn @ np.asarray(layers[title].matrix())
    np.testing.assert_allclose(np.asarray(first.pictures()).reshape(len(drawn), -1), drawn, atol=1e-5)


def test_a_tied_decoder_draws_with_what_the_encoder_looks_for() -> None:
    layers = {layer.name: layer for layer in made("tied").inspected_layers()}
    np.testing.assert_array_equal(
        np.asarray(layers["decoder_2"].pictures()), np.asarray(layers["encoder_1"].pictures())
    )


@pytest.mark.parametrize("name", ["maps as code", "dense code"])
def test_kernels_are_the_units_own(name: str) -> None:
    """What a filter gives depends on its kernels, what a map draws on those it goes out by, and on no others."""
    model = made(name)
    layers = {layer.name: layer for layer in model.inspected_layers()}
    convolution = model.encoder.convolutions[0].conv
    kernel = np.asarray(convolution.kernel)
    np.testing.assert_array_equal(np.asarray(layers["encoder_1"].pictures())[2], kernel[..., 2])
    decoding = [
        (title, layer) for title, layer in layers.items() if title.startswith("decoder") and layer.convolutional
    ]
    for (_, layer), convolution in zip(decoding, model.decoder.convolutions, strict=True):
        changed = np.random.default_rng(1).random((1, 7, 7, layer.shape[0]), dtype=np.float32)
        muted = changed.copy()
        muted[..., 1] = 0
        weights = np.asarray(convolution.conv.kernel).copy()
        before = np.asarray(convolution.conv(changed))
        assert not np.allclose(before, np.asarray(convolution.conv(muted)))
        own = np.asarray(layer.pictures())[1]
        axis = [k for k in (2, 3) if weights.shape[k] == layer.shape[0]]
        found = [np.moveaxis(weights, k, 0)[1] for k in axis]
        assert any(candidate.shape == own.shape and np.array_equal(candidate, own) for candidate in found)
        convolution.conv.kernel.assign(np.where(np.isin(weights, own), 0, weights))
        np.testing.assert_allclose(
            np.asarray(convolution.conv(changed)), np.asarray(convolution.conv(muted)), atol=1e-5
        )
        convolution.conv.kernel.assign(weights)


@pytest.mark.parametrize("name", ["deep", "dense code"])
def test_the_model_cache_tells_of_the_model_itself(name: str) -> None:
    variant, values = MODELS[name]
    config = RunConfig.make(variant, "digits", None, dict(values))
    model = build(config.hyper, IMAGE_SHAPE)
    weights = [np.asarray(variable) for variable in model.variables]
    cache = ModelCache()

    def ask(name: Any, layer: str = "", /, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        answer = cache.infer(InferenceRequest("it", "1", config.to_json(), Operation(name, layer), arrays, weights))
        assert answer is not None
        return answer

    sizes = ask("layers")
    assert {title: (bool(size[0]), *size[1:]) for title, size in sizes.items()} == {
        layer.name: (layer.convolutional, *layer.shape) for layer in model.inspected_layers()
    }
    for layer in model.inspected_layers():
        np.testing.assert_array_equal(ask("weights", layer.name)["pictures"], np.asarray(layer.pictures()))
        found = ask("activity", layer.name, images=IMAGES)["activity"]
        np.testing.assert_allclose(found, np.asarray(layer.mean_activity(tf.constant(IMAGES))["activity"]), atol=1e-5)
        if layer.convolutional:
            assert ask("maps", layer.name, images=IMAGES)["maps"].shape[-1] == layer.shape[0]
    with pytest.raises(BadInput, match="cannot be asked about 'dreams'; it knows layers"):
        ask("dreams")
