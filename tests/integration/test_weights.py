"""What the page Weights asks, answered by real models in this process, with their dataset and without."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aecore.compute.backend import InProcess
from aecore.datasets import corrupted_test, load, preview_indices
from aecore.messages.jobs import DECODE, Operation
from aecore.schema import RunConfig
from aecore.service import Service
from aecore.settings import CHECKPOINTS, Settings


@pytest.fixture
def service(home: Path) -> Iterator[Service]:
    del home
    service = Service(replace(Settings.from_env(), checkpoints_dir=CHECKPOINTS), InProcess())
    yield service
    service.close()


def trained(service: Service, variant: str, **values: object) -> str:
    config = RunConfig.make(variant, "digits", None, {"epochs": 1, **values})
    return [name for name, _ in service.runs.watch(config)][-1]


def test_layers_are_reported_in_words(service: Service):
    assert [layer.title for layer in service.weights.layers("vanilla")] == [
        "Encoder, layer 1: 128 units, the code",
        "Decoder, layer 1: 128 units, the code",
    ]
    titles = [layer.title for layer in service.weights.layers("convolutional-64")]
    assert titles[0] == "Encoder, layer 1: 16 filters"
    assert "Encoder, layer 7: 64 units, the code" in titles
    assert titles[-1].startswith("Decoder, layer 8: 16 maps")


def test_the_code_of_a_pretrained_model_needs_no_data(service: Service):
    code = next(layer for layer in service.weights.layers("sparse-l1") if layer.code)
    activity = service.weights.activity("sparse-l1", code)
    pretrained = service.runs._pretrained.bundle("sparse-l1").held_out()
    np.testing.assert_array_equal(activity.values, pretrained["codes"].astype(np.float32))
    np.testing.assert_array_equal(activity.labels, pretrained["labels"])
    assert activity.decoded
    assert "2,000 held-out images; MNIST itself is not on this machine" in activity.note
    assert activity.images.shape == (2000, 28, 28)
    drawn = service.runs.infer("sparse-l1", DECODE, codes=activity.values[:5])["images"]
    assert np.abs(activity.images[:5] / 255 - drawn[..., 0].clip(0, 1)).max() < 0.01


def test_another_layer_is_shown_decodings_and_says_so(service: Service):
    layer = service.weights.layers("stacked-30")[0]
    activity = service.weights.activity("stacked-30", layer)
    assert activity.values.shape == (2000, 1000)
    assert "decodes from the codes" in activity.note
    seen = service.runs.infer(
        "stacked-30", Operation("activity", layer.name), images=activity.images[:3, ..., None] / np.float32(255)
    )
    assert np.abs(seen["activity"] - activity.values[:3]).max() < 0.05, "pixels are rounded to 1/255"


def test_a_run_is_watched_on_its_held_out_images(service: Service):
    name = trained(service, "denoising", code_size=8, noise="gaussian")
    layers = service.weights.layers(name)
    code = next(layer for layer in layers if layer.code)
    activity = service.weights.activity(name, code)
    assert not activity.decoded
    assert activity.note == "Measured on 360 held-out images, as the model is shown them."
    assert activity.values.shape == (360, 8)
    weights = service.weights.of(name, layers[0].name)
    assert weights.matrix.shape[0] == layers[0].units == len(weights.pictures)


def test_maps_of_one_image_of_each_class(service: Service):
    images, classes, title = service.weights.one_of_each_class("convolutional-64")
    assert (len(images), len(classes), title) == (10, 10, "Digits"), "MNIST is not here"
    first = service.weights.layers("convolutional-64")[0]
    maps = service.weights.maps("convolutional-64", first.name, images[[3]])
    assert maps.shape == (1, 14, 14, 16)
    assert not np.allclose(maps, service.weights.maps("convolutional-64", first.name, images[[4]]))


def test_codes_in_eight_bits_are_reported(service: Service):
    code = next(layer for layer in service.weights.layers("denoising") if layer.code)
    assert "eight bits" in service.weights.activity("denoising", code).note


def test_images_are_those_that_the_model_is_measured_on(service: Service):
    """The noise of an image depends on its place among those held out."""
    images, _, _ = service.weights.one_of_each_class("denoising")
    hyper = service.runs.run("denoising").config.image_hyper
    digits = load("digits", service.settings)
    chosen = preview_indices(digits.y_test, 10)
    assert np.array_equal(images, corrupted_test(digits, hyper)[chosen])
    assert not np.array_equal(images, digits.x_test[chosen] / np.float32(255)), "this model is shown noise"
