"""Dense autoencoders: vanilla, sparse, denoising and stacked are one network with other settings."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from aecore.models.base import PACKAGE, Autoencoder, Batch, Phase, make_initializer, weighted_mean
from aecore.models.layers import Layer, dense_layers
from aecore.models.regularizers import activity_penalty
from aecore.schema.dense import Sparse


@keras.saving.register_keras_serializable(PACKAGE)
class TiedDense(keras.layers.Layer):
    """A dense layer that is handed its matrix, transposed, and owns only its bias.

    Args:
        units: width of the output.
        activation: name of the activation, or None.
    """

    def __init__(self, units: int, activation: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.units, self.activation = units, keras.activations.get(activation)
        self.bias = self.add_weight(shape=(units,), initializer="zeros", name="bias")
        self.built = True

    def call(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Maps [n, in] with a kernel [units, in] of the encoder to [n, units]."""
        kernel = tf.cast(kernel, inputs.dtype)
        return self.activation(tf.matmul(inputs, kernel, transpose_b=True) + tf.cast(self.bias, inputs.dtype))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
        }


@keras.saving.register_keras_serializable(PACKAGE)
class Encoder(keras.Model):
    """Images [n, h, w, c] to codes [n, units].

    Args:
        widths: of all layers, from the flattened image to the code.
        activation: of the hidden layers.
        code_activation: of the code.
        dropout: share of the hidden units switched off in training.
        initializer: name of the initialiser.
        seed: where its random numbers start.
    """

    def __init__(self, widths: Sequence[int], activation: str, code_activation: str, dropout: float,
                 initializer: str, seed: int, **kwargs: Any):  # fmt: skip
        super().__init__(**kwargs)
        self.settings = {
            "widths": list(widths), "activation": activation, "code_activation": code_activation,
            "dropout": dropout, "initializer": initializer, "seed": seed,
        }  # fmt: skip
        activations = [*[activation] * (len(widths) - 2), code_activation]
        self.dense = [
            keras.layers.Dense(width, name=f"encoder_{k}", dtype=self.dtype_policy, activation=name,
                               kernel_initializer=make_initializer(initializer, seed + k))
            for k, (width, name) in enumerate(zip(widths[1:], activations, strict=True))
        ]  # fmt: skip
        self.drop = [
            keras.layers.Dropout(dropout, seed=seed + k, dtype=self.dtype_policy) for k in range(1, len(widths) - 1)
        ]
        for layer, width in zip(self.dense, widths[:-1], strict=True):
            layer.build((None, width))
        self.built = True

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.up_to(len(self.dense), images, training)

    def up_to(self, depth: int, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Activities of the layer `depth` (0 is the flattened image), [n, width]."""
        hidden = tf.reshape(images, [-1, self.settings["widths"][0]])
        for k in range(depth):
            if k > 0:
                hidden = self.drop[k - 1](hidden, training=training)
            hidden = self.dense[k](hidden)
        return hidden

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.settings}


@keras.saving.register_keras_serializable(PACKAGE)
class Decoder(keras.Model):
    """Codes [n, units] to logits [n, h, w, c], whose activation is the autoencoder's business.

    Args:
        widths: of all layers, from the code to the flattened image.
        image_shape: [height, width, channels].
        activation: of the hidden layers.
        dropout: share of the code's and the hidden layers' units switched off in training.
        initializer: name of the initialiser.
        seed: where its random numbers start.
        tied: whether the matrices are the encoder's, transposed; `call` is then handed them.
    """

    def __init__(self, widths: Sequence[int], image_shape: Sequence[int], activation: str, dropout: float,
                 initializer: str, seed: int, tied: bool, **kwargs: Any):  # fmt: skip
        super().__init__(**kwargs)
        self.settings = {
            "widths": list(widths), "image_shape": list(image_shape), "activation": activation,
            "dropout": dropout, "initializer": initializer, "seed": seed, "tied": tied,
        }  # fmt: skip
        self.dense: list[Any] = []
        for k, width in enumerate(widths[1:]):
            name, act = f"decoder_{k}", activation if k < len(widths) - 2 else None
            if tied:
                layer = TiedDense(width, act, name=name, dtype=self.dtype_policy)
            else:
                layer = keras.layers.Dense(width, name=name, dtype=self.dtype_policy, activation=act,
                                           kernel_initializer=make_initializer(initializer, seed + k))  # fmt: skip
                layer.build((None, widths[k]))
            self.dense.append(layer)
        self.drop = [
            keras.layers.Dropout(dropout, seed=seed + k, dtype=self.dtype_policy) for k in range(len(widths) - 1)
        ]
        self.built = True

    def call(self, codes: tf.Tensor, kernels: Sequence[tf.Tensor] | None = None, training: bool = False) -> tf.Tensor:
        hidden = codes
        for k in range(len(self.dense)):
            hidden = self.drop[k](hidden, training=training)
            hidden = self.layer(k, hidden, kernels)
        return tf.reshape(hidden, [-1, *self.settings["image_shape"]])

    def layer(self, k: int, hidden: tf.Tensor, kernels: Sequence[tf.Tensor] | None) -> tf.Tensor:
        """What layer k makes of [n, in]; `kernels` are the encoder's, last first, where weights are tied."""
        if kernels is None:
            return self.dense[k](hidden)
        return self.dense[k](hidden, kernels[k])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.settings}


@keras.saving.register_keras_serializable(PACKAGE)
class DenseAutoencoder(Autoencoder):
    """Encoder and mirrored decoder made of dense layers; see `Autoencoder` for the arguments."""

    def __init__(self, variant: str, fields: dict[str, Any], image_shape: list[int], **kwargs: Any):
        super().__init__(variant, fields, image_shape, **kwargs)
        hyper = self.hyper
        widths = (*hyper.widths(self.image_shape), hyper.code_size)
        shared = {name: getattr(hyper, name) for name in ("activation", "dropout", "initializer")}
        seed, policy = hyper.seed, hyper.precision
        self.encoder = Encoder(widths, code_activation=hyper.code_activation, seed=1000 * seed + 1,
                               dtype=policy, name="encoder", **shared)  # fmt: skip
        self.decoder = Decoder(widths[::-1], self.image_shape, seed=1000 * seed + 501, tied=hyper.tied_weights,
                               dtype=policy, name="decoder", **shared)  # fmt: skip
        self.built = True

    def _kernels(self) -> list[tf.Tensor] | None:
        return [layer.kernel for layer in reversed(self.encoder.dense)] if self.hyper.tied_weights else None

    def logits(self, codes: tf.Tensor, training: bool = False) -> tf.Tensor:
        return tf.cast(self.decoder(codes, kernels=self._kernels(), training=training), tf.float32)

    def penalty(self, codes: tf.Tensor, batch: Batch) -> tf.Tensor | None:
        return activity_penalty(batch.hyper, codes, batch.weights) if isinstance(self.hyper, Sparse) else None

    def training_phases(self) -> list[Phase]:
        *layers, (name, _) = self.hyper.phases()
        alone = [
            Phase(title, self._layer_objective(k), self._layer_variables(k)) for k, (title, _) in enumerate(layers)
        ]
        return [*alone, Phase(name, self.objective, self.trainable_variables)]

    def _layer_variables(self, k: int) -> list[keras.Variable]:
        return [*self.encoder.dense[k].trainable_variables, *self.decoder.dense[-1 - k].trainable_variables]

    def _layer_objective(self, k: int):
        """Layer k alone as a shallow autoencoder of the layer below (Bengio et al., 2007)."""

        def objective(batch: Batch, training: bool) -> dict[str, tf.Tensor]:
            below = self.encoder.up_to(k, batch.inputs)
            position = len(self.decoder.dense) - 1 - k
            back = self.decoder.layer(position, self.encoder.dense[k](below), self._kernels())
            if k == 0:
                logits = tf.cast(tf.reshape(back, tf.shape(batch.targets)), tf.float32)
                error = self.reconstruction_error(batch.targets, logits)
            else:
                target = tf.stop_gradient(tf.cast(below, tf.float32))
                error = tf.reduce_mean(tf.square(target - tf.cast(back, tf.float32)), axis=1)
            return {"loss": weighted_mean(error, batch.weights)}

        return objective

    def tiles(self, limit: int) -> tf.Tensor:
        return weight_pictures(self.encoder, self.image_shape, limit)

    def inspected_layers(self) -> list[Layer]:
        return dense_layers(self, self.hyper.code_size)


def weight_pictures(encoder: Encoder, image_shape: tuple[int, ...], limit: int) -> tf.Tensor:
    """Weights of the first layer's first units as pictures, averaged over the channels, float32 [units, h, w]."""
    kernel = tf.transpose(tf.convert_to_tensor(encoder.dense[0].kernel))[:limit]
    return tf.reduce_mean(tf.reshape(kernel, [-1, *image_shape]), axis=-1)
