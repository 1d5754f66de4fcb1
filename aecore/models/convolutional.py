"""Convolutional autoencoders, with or without a dense code in the middle."""

import math
from typing import Any

import keras
import tensorflow as tf

from aecore.models.base import PACKAGE, Autoencoder, make_initializer
from aecore.models.layers import Layer, conv_layers
from aecore.schema import variant
from aecore.schema.layers import ConvLayer

MAPS = 64  # drawn at most
SEEDS = 500  # from one part's random numbers to the next's


class Convolution(keras.layers.Layer):
    """A convolution with normalisation, activation and rescaling, in the order in which a configuration asks.

    Args:
        layer: channels, filters, padding, and whether maps are rescaled.
        kernel_size: in pixels.
        rescaling: "pool", "stride", "resize" or "transposed".
        normalisation: "none", "batch" or "layer"; the statistics of a batch include the images that fill up the last
            one of an epoch.
        activation: its name, or None.
        initializer: of the kernels.
    """

    def __init__(self, layer: ConvLayer, kernel_size: int, rescaling: str, normalisation: str,
                 activation: str | None, initializer: Any, **kwargs: Any):  # fmt: skip
        super().__init__(**kwargs)
        policy = self.dtype_policy
        made = {
            "filters": layer.filters, "kernel_size": kernel_size, "padding": layer.padding,
            "use_bias": normalisation == "none", "kernel_initializer": initializer, "dtype": policy,
            "strides": 2 if layer.rescales and rescaling in ("stride", "transposed") else 1,
        }  # fmt: skip
        transposed = layer.rescales and rescaling == "transposed"
        self.conv = (keras.layers.Conv2DTranspose if transposed else keras.layers.Conv2D)(**made)
        self.conv.build((None, None, None, layer.channels))
        self.norm = {
            "none": lambda: None,
            "batch": lambda: keras.layers.BatchNormalization(dtype=policy),
            "layer": lambda: keras.layers.LayerNormalization(dtype=policy),
        }[normalisation]()
        if self.norm is not None:
            self.norm.build((None, None, None, layer.filters))
        self.activation = keras.activations.get(activation)
        self.rescale = None
        if layer.rescales and rescaling == "pool":
            self.rescale = keras.layers.MaxPooling2D(padding="same", dtype=policy)
        if layer.rescales and rescaling == "resize":
            self.rescale = keras.layers.UpSampling2D(dtype=policy)
        self.built = True

    def maps(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """What the kernels make of images [n, h, w, c], before pooling or repeating."""
        found = self.conv(images)
        if self.norm is not None:
            found = self.norm(found, training=training)
        return self.activation(found)

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        found = self.maps(images, training)
        return found if self.rescale is None else self.rescale(found)


class _Configured(keras.Model):
    """A part of a model that is made from a variant's configuration, and can be saved by itself.

    Args:
        hyper: a configuration with `ConvFields`.
        image_shape: (height, width, channels).
        settings: what else the part is made from.
    """

    def __init__(self, hyper: Any, image_shape: tuple[int, ...], settings: dict[str, Any], **kwargs: Any):
        super().__init__(**({"dtype": hyper.precision} | kwargs))
        self.hyper, self.image_shape, self.settings = hyper, tuple(image_shape), settings

    def get_config(self) -> dict[str, Any]:
        made = {"variant": self.hyper.name, "fields": self.hyper.model_dump(mode="json")}
        return {**super().get_config(), **made, "image_shape": list(self.image_shape), **self.settings}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None):
        config = dict(config)
        return cls(variant(config.pop("variant")).make(None, config.pop("fields")), **config)


@keras.saving.register_keras_serializable(PACKAGE)
class ConvEncoder(_Configured):
    """Images [n, h, w, c] to codes [n, units].

    Args:
        hyper: a configuration with `ConvFields`.
        image_shape: (height, width, channels).
        outputs: units of a dense last layer; 0 for none.
        activation: of that layer.
    """

    def __init__(self, hyper: Any, image_shape: tuple[int, ...], outputs: int, activation: str, **kwargs: Any):
        super().__init__(hyper, image_shape, {"outputs": outputs, "activation": activation}, **kwargs)
        seed = 2 * SEEDS * hyper.seed + 1
        self.convolutions = [
            Convolution(layer, hyper.kernel_size, hyper.downsampling, hyper.normalisation, hyper.activation,
                        make_initializer(hyper.initializer, seed + k), name=f"encoder_{k}", dtype=self.dtype_policy)
            for k, layer in enumerate(hyper.encoder_layers(image_shape))
        ]  # fmt: skip
        self.flat = math.prod(hyper.code_maps(image_shape))
        self.dense = None
        if outputs:
            self.dense = keras.layers.Dense(
                outputs, activation, name="code", dtype=self.dtype_policy,
                kernel_initializer=make_initializer(hyper.initializer, seed + len(self.convolutions)),
            )  # fmt: skip
            self.dense.build((None, self.flat))
        self.built = True

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        maps = images
        for convolution in self.convolutions:
            maps = convolution(maps, training=training)
        flat = tf.reshape(maps, [-1, self.flat])
        return flat if self.dense is None else self.dense(flat)


@keras.saving.register_keras_serializable(PACKAGE)
class ConvDecoder(_Configured):
    """Codes [n, units] to logits [n, h, w, c].

    Args:
        hyper: a configuration with `ConvFields`.
        image_shape: (height, width, channels).
        code_size: units of a dense code; 0 where the code is made of maps.
    """

    def __init__(self, hyper: Any, image_shape: tuple[int, ...], code_size: int, **kwargs: Any):
        super().__init__(hyper, image_shape, {"code_size": code_size}, **kwargs)
        seed = 2 * SEEDS * hyper.seed + SEEDS + 1
        *inner, last = hyper.decoder_layers(image_shape)
        self.code_maps = hyper.code_maps(image_shape)
        self.dense = None
        if code_size:
            self.dense = keras.layers.Dense(
                math.prod(self.code_maps), hyper.activation, name="maps", dtype=self.dtype_policy,
                kernel_initializer=make_initializer(hyper.initializer, seed),
            )  # fmt: skip
            self.dense.build((None, code_size))
        shared = {"kernel_size": hyper.kernel_size, "rescaling": hyper.upsampling, "dtype": self.dtype_policy}
        self.convolutions = [
            Convolution(layer, normalisation=hyper.normalisation, activation=hyper.activation, name=f"decoder_{k}",
                        initializer=make_initializer(hyper.initializer, seed + 1 + k), **shared)
            for k, layer in enumerate(inner)
        ]  # fmt: skip
        initializer = make_initializer(hyper.initializer, seed + 1 + len(inner))
        self.convolutions.append(Convolution(last, normalisation="none", activation=None, name=f"decoder_{len(inner)}",
                                             initializer=initializer, **shared))  # fmt: skip
        self.built = True

    def call(self, codes: tf.Tensor, training: bool = False) -> tf.Tensor:
        flat = codes if self.dense is None else self.dense(codes)
        maps = tf.reshape(flat, [-1, *self.code_maps])
        for convolution in self.convolutions:
            maps = convolution(maps, training=training)
        height, width, _ = self.image_shape
        found = tf.shape(maps)
        top, left = (found[1] - height) // 2, (found[2] - width) // 2
        return maps[:, top : top + height, left : left + width]


def kernels(encoder: ConvEncoder) -> tf.Tensor:
    """Kernels of the first convolution, averaged over the image's channels, float32 [filters, k, k]."""
    return tf.transpose(tf.reduce_mean(tf.convert_to_tensor(encoder.convolutions[0].conv.kernel), axis=2), [2, 0, 1])


def feature_maps(encoder: ConvEncoder, image: tf.Tensor) -> tf.Tensor:
    """What the first convolution makes of an image [h, w, c], activated, before pooling.

    Returns:
        float32 [filters, h, w], or half as high and wide where the convolution strides.
    """
    return tf.cast(tf.transpose(encoder.convolutions[0].maps(image[None])[0], [2, 0, 1]), tf.float32)


@keras.saving.register_keras_serializable(PACKAGE)
class ConvolutionalAutoencoder(Autoencoder):
    """Convolutions down to a code and their mirror image; see `Autoencoder` for the arguments."""

    xla_on_cpu = False

    def __init__(self, variant: str, fields: dict[str, Any], image_shape: list[int], **kwargs: Any):
        super().__init__(variant, fields, image_shape, **kwargs)
        size, shape = self.hyper.code_size, self.image_shape
        self.encoder = ConvEncoder(self.hyper, shape, size, self.hyper.code_activation, name="encoder")
        self.decoder = ConvDecoder(self.hyper, shape, size, name="decoder")
        self.built = True

    def activate(self, logits: tf.Tensor) -> tf.Tensor:
        return tf.sigmoid(logits)

    def tiles(self, limit: int) -> tf.Tensor:
        return kernels(self.encoder)[:limit]

    def inspected_layers(self) -> list[Layer]:
        return conv_layers(self, self.hyper.code_size)

    def visualizations(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"maps": feature_maps(self.encoder, images[0])[:MAPS]}
