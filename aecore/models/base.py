"""What the engine asks of every autoencoder: encode, decode, an objective, and the phases of its training."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from aecore.messages.jobs import DECODE, ENCODE, LAYERS, RECONSTRUCT, Operation
from aecore.models.layers import Layer
from aecore.schema import VariantConfig
from aecore.schema import variant as variant_class

PACKAGE = "aecore"


class Batch(NamedTuple):
    """One batch inside the compiled step.

    Attributes:
        targets: what is to come back: clean images, float32 [n, h, w, c] in [0, 1], or word ids, int32 [n, length].
        inputs: the same, corrupted: images with noise, or sentences with words dropped.
        weights: float32 [n], 1 for an example, 0 for padding.
        seed: int32 [2], different in every step, for stateless random numbers.
        progress: float32 scalar, share of the phase that is done.
        hyper: the configuration; numbers that are arguments of the compiled step are float32 scalars, see
            `StepConfig`.
    """

    targets: tf.Tensor
    inputs: tf.Tensor
    weights: tf.Tensor
    seed: tf.Tensor
    progress: tf.Tensor
    hyper: Any


class StepConfig:
    """A configuration inside the compiled step, which several runs share: what they may differ in are tensors.

    Args:
        hyper: any configuration of the structure.
        arguments: a scalar for each of its `arguments`: int32 for the seed, else float32.
    """

    def __init__(self, hyper: VariantConfig, arguments: Mapping[str, tf.Tensor]):
        self._hyper, self._arguments = hyper, arguments

    def __getattr__(self, name: str) -> Any:
        return self._arguments[name] if name in self._arguments else getattr(self._hyper, name)


Objective = Callable[[Batch, bool], dict[str, tf.Tensor]]
Function = Callable[..., dict[str, tf.Tensor]]


@dataclass(frozen=True)
class Phase:
    """A part of the training: what is minimised, by changing what.

    Attributes:
        objective: (batch, training) to scalars; "loss" is minimised, the others are reported beside it.
    """

    name: str
    objective: Objective
    variables: list[keras.Variable]


class Autoencoder(keras.Model):
    """An `encoder` and a `decoder`, built from a variant's configuration.

    A subclass builds both in its constructor; they are called with float32 images [n, h, w, c] and
    codes [n, units].

    Args:
        variant: name in the registry.
        fields: the variant's hyperparameters, as JSON.
        image_shape: [height, width, channels].
    """

    encoder: keras.Model
    decoder: keras.Model
    hyper: Any  # the variant's configuration; families say of which class
    xla_on_cpu = True  # convolutions and recurrent layers are faster without
    xla_on_gpu = True

    def __init__(self, variant: str, fields: dict[str, Any], image_shape: list[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.hyper, self.image_shape = variant_class(variant).make(None, fields), tuple(image_shape)

    def get_config(self) -> dict[str, Any]:
        made = {"variant": self.hyper.name, "fields": self.hyper.model_dump(mode="json")}
        return {**super().get_config(), **made, "image_shape": list(self.image_shape)}

    def encode(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Codes float32 [n, units] of images [n, h, w, c]."""
        return tf.cast(self.encoder(inputs, training=training), tf.float32)

    def logits(self, codes: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The decoder's output before its activation, float32 [n, h, w, c]."""
        return tf.cast(self.decoder(codes, training=training), tf.float32)

    def activate(self, logits: tf.Tensor) -> tf.Tensor:
        """Pixels from the decoder's logits."""
        return keras.activations.get(self.hyper.output_activation)(logits)

    def decode(self, codes: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Images float32 [n, h, w, c] from codes [n, units]."""
        return self.activate(self.logits(codes, training))

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.decode(self.encode(images, training), training)

    def penalty(self, codes: tf.Tensor, batch: Batch) -> tf.Tensor | None:
        """What is added to the reconstruction error, as a scalar; None for nothing."""
        return None

    def objective(self, batch: Batch, training: bool) -> dict[str, tf.Tensor]:
        """Reconstruction error of the clean images plus the penalty, averaged over the batch's images."""
        codes = self.encode(batch.inputs, training)
        error = weighted_mean(self.reconstruction_error(batch.targets, self.logits(codes, training)), batch.weights)
        penalty = self.penalty(codes, batch)
        if penalty is None:
            return {"loss": error}
        return {"loss": error + penalty, "reconstruction": error, "penalty": penalty}

    def reconstruction_error(self, clean: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Mean over the pixels of the squared error or of the cross-entropy on logits, float32 [n]."""
        if self.hyper.loss == "bce":
            error = tf.nn.sigmoid_cross_entropy_with_logits(labels=clean, logits=logits)
        else:
            error = tf.square(clean - self.activate(logits))
        return tf.reduce_mean(error, axis=[1, 2, 3])

    def training_phases(self) -> list[Phase]:
        """The phases in their order; their names are those of the configuration."""
        ((name, _),) = self.hyper.phases()
        return [Phase(name, self.objective, self.trainable_variables)]

    def tiles(self, limit: int) -> tf.Tensor:
        """Weights of the first layer's first `limit` units as pictures, float32 [units, h, w]."""
        raise TypeError(f"{type(self).__name__} does not say how to draw its weights")

    def visualizations(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """What else shows how the model is doing, for the page of a run; see `aecore.messages.events.Snapshot`.

        Args:
            images: float32 [n, h, w, c], held-out ones as the model is shown them.
        """
        return {}

    def operations(self) -> dict[Operation, Function]:
        """What a trained model can be asked of inputs.

        Each is a function of tensors [n, ...] that treats every row by itself; it returns tensors [n, ...] by name.
        """
        layers = self.inspected_layers()
        return {
            ENCODE: lambda images: {"codes": self.encode(images)},
            DECODE: lambda codes: {"images": self.decode(codes)},
            RECONSTRUCT: lambda images: self._reconstructed(self.encode(images)),
            **{Operation("activity", layer.name): layer.mean_activity for layer in layers},
            **{Operation("maps", layer.name): layer.maps for layer in layers if layer.convolutional},
        }

    def inspected_layers(self) -> list[Layer]:
        """The layers that can be looked into, from the image to the code and back; none by default."""
        return []

    def inspections(self) -> dict[Operation, Callable[[], dict[str, tf.Tensor]]]:
        """What can be asked about a trained model itself: functions without arguments.

        `LAYERS`: of each layer whether it is convolutional, and its shape, int32 [5]. "weights": a layer's
        matrix and pictures. See `aecore.models.layers.Layer`.
        """
        layers = self.inspected_layers()
        sizes = {layer.name: tf.constant([int(layer.convolutional), *layer.shape]) for layer in layers}
        return {LAYERS: lambda: sizes, **{Operation("weights", layer.name): layer.weights for layer in layers}}

    def _reconstructed(self, codes: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"images": self.decode(codes), "codes": codes}

    def extra_metrics(self, clean: np.ndarray, corrupted: np.ndarray, stage: Callable[[str], None]) -> dict[str, float]:
        """Figures on held-out images that only this kind of model has, beside the scorecard's.

        Args:
            clean: float32 [n, h, w, c] in [0, 1].
            corrupted: the same as the model is shown them.
            stage: called with what is measured, where that takes long.
        """
        return {}


def weighted_mean(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Mean of values [n] over the images whose weight is 1."""
    return tf.reduce_sum(values * weights) / tf.reduce_sum(weights)


def make_initializer(name: str, seed: int) -> keras.initializers.Initializer:
    """An initialiser by its name, with random numbers of its own."""
    made = keras.initializers.get({"class_name": _CLASS_NAMES[name], "config": {"seed": seed % 2**31}})
    assert isinstance(made, keras.initializers.Initializer)
    return made


_CLASS_NAMES = {
    "glorot_uniform": "GlorotUniform",
    "glorot_normal": "GlorotNormal",
    "he_uniform": "HeUniform",
    "he_normal": "HeNormal",
    "orthogonal": "Orthogonal",
}
