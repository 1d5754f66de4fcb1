"""How a model is looked into: each layer with its weights as pictures, and what its units do for an image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

Tensors = Callable[[], tf.Tensor]


@dataclass(frozen=True)
class Layer:
    """A layer of the encoder or of the decoder.

    In the encoder a unit is what the layer gives, and its weights are those that come in: what it looks for. In the
    decoder a unit is what the layer is given, and its weights are those that go out: what it draws. So the last layer
    of the encoder and the first one of the decoder both have the code's units.

    Attributes:
        name: "encoder_1" and so on, from the image; "decoder_1" and so on, from the code.
        convolutional: whether a unit is a map, and its weights are kernels.
        shape: (units, height, width, channels) of `pictures`.
        matrix: float32 [units, weights of a unit], the layer's own weights.
        pictures: float32 [units, h, w, c], the weights where they belong. Those of a dense layer that does not touch
            the image are multiplied through the layers between, without their activations (Lee et al., 2008).
        activity: what the units do for images [n, h, w, c]: float32 [n, units], or maps float32 [n, h, w, units].
    """

    name: str
    convolutional: bool
    shape: tuple[int, int, int, int]
    matrix: Tensors
    pictures: Tensors
    activity: Callable[[tf.Tensor], tf.Tensor]

    def weights(self) -> dict[str, tf.Tensor]:
        """`matrix` and `pictures`."""
        return {"matrix": self.matrix(), "pictures": self.pictures()}

    def mean_activity(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Activities float32 [n, units] of images [n, h, w, c]; that of a map is its mean."""
        found = tf.cast(self.activity(images), tf.float32)
        return {"activity": tf.reduce_mean(found, axis=[1, 2]) if self.convolutional else found}

    def maps(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Maps float32 [n, h, w, units] of images [n, h, w, c]."""
        return {"maps": tf.cast(self.activity(images), tf.float32)}


def dense_layers(model: Any, code: int) -> list[Layer]:
    """The layers of a dense `Encoder` and `Decoder`.

    Args:
        model: the autoencoder.
        code: units of the code; what else the encoder gives, such as variances, is left out.
    """
    down = [_kernel(layer) for layer in model.encoder.dense]
    down[-1] = _columns(down[-1], code)
    if model.decoder.settings["tied"]:
        up = [_transposed(kernel) for kernel in reversed(down)]
    else:
        up = [_kernel(layer) for layer in model.decoder.dense]
    shape, layers = model.image_shape, []
    for k in range(len(down)):
        width = code if k == len(down) - 1 else model.encoder.dense[k].units
        layers.append(
            Layer(f"encoder_{k + 1}", False, (width, *shape), _transposed(down[k]),
                  _shaped(_transposed(_product(down[: k + 1])), shape), _encoded(model, k + 1))
        )  # fmt: skip
    for k in range(len(up)):
        width = code if k == 0 else model.decoder.dense[k - 1].units
        layers.append(
            Layer(f"decoder_{k + 1}", False, (width, *shape), up[k], _shaped(_product(up[k:]), shape),
                  _given(model, k))
        )  # fmt: skip
    return layers


def conv_layers(model: Any, code: int) -> list[Layer]:
    """The layers of a `ConvEncoder` and a `ConvDecoder`.

    Args:
        model: the autoencoder.
        code: units of a dense code; 0 where the code is made of maps.
    """
    encoder, decoder = model.encoder, model.decoder
    layers = [
        _kernels(f"encoder_{k + 1}", convolution, 3, _mapped(model, k))
        for k, convolution in enumerate(encoder.convolutions)
    ]
    if code:
        name, kernel = f"encoder_{len(layers) + 1}", _transposed(_columns(_kernel(encoder.dense), code))
        shape = tuple(decoder.code_maps)
        layers.append(Layer(name, False, (code, *shape), kernel, _shaped(kernel, shape), model.encode))
        kernel = _kernel(decoder.dense)
        layers.append(Layer("decoder_1", False, (code, *shape), kernel, _shaped(kernel, shape), model.encode))
    else:  # the maps are the code, after pooling
        layers[-1] = _kernels(layers[-1].name, encoder.convolutions[-1], 3, _drawn_from(model, 0))
    first = 2 if code else 1
    return [
        *layers,
        *(
            _kernels(f"decoder_{k + first}", convolution, 2, _drawn_from(model, k))
            for k, convolution in enumerate(decoder.convolutions)
        ),
    ]


def _kernels(name: str, convolution: Any, units: int, activity: Callable[[tf.Tensor], tf.Tensor]) -> Layer:
    """A convolution.

    Args:
        name: of the layer.
        convolution: the layer.
        units: axis of an ordinary kernel [h, w, in, out] that holds the units.
        activity: of the units.
    """
    conv = convolution.conv
    turned = "Transpose" in type(conv).__name__  # its kernel is [h, w, out, in]
    order = [units if not turned else 5 - units, 0, 1, 5 - units if not turned else units]
    shape = tuple(conv.kernel.shape[axis] for axis in order)

    def pictures() -> tf.Tensor:
        return tf.transpose(tf.convert_to_tensor(conv.kernel), order)

    return Layer(name, True, shape, lambda: tf.reshape(pictures(), [shape[0], -1]), pictures, activity)  # type: ignore[arg-type]


def _kernel(layer: Any) -> Tensors:
    return lambda: tf.convert_to_tensor(layer.kernel)


def _columns(kernel: Tensors, count: int) -> Tensors:
    return lambda: kernel()[:, :count]


def _transposed(kernel: Tensors) -> Tensors:
    return lambda: tf.transpose(kernel())


def _product(kernels: Sequence[Tensors]) -> Tensors:
    def product() -> tf.Tensor:
        found = kernels[0]()
        for kernel in kernels[1:]:
            found = tf.matmul(found, kernel())
        return found

    return product


def _shaped(rows: Tensors, shape: tuple[int, ...]) -> Tensors:
    return lambda: tf.reshape(rows(), [-1, *shape])


def _encoded(model: Any, depth: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """What layer `depth` of a dense encoder gives; the last one gives the code."""
    if depth == len(model.encoder.dense):
        return model.encode
    return lambda images: model.encoder.up_to(depth, images)


def _given(model: Any, k: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """What layer k of a dense decoder is given."""

    def given(images: tf.Tensor) -> tf.Tensor:
        hidden, tied = model.encode(images), model.decoder.settings["tied"]
        kernels = [layer.kernel for layer in reversed(model.encoder.dense)] if tied else None
        for below in range(k):
            hidden = model.decoder.layer(below, hidden, kernels)
        return hidden

    return given


def _mapped(model: Any, k: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """The maps of convolution k of the encoder, before pooling."""

    def mapped(images: tf.Tensor) -> tf.Tensor:
        maps = images
        for convolution in model.encoder.convolutions[:k]:
            maps = convolution(maps)
        return model.encoder.convolutions[k].maps(maps)

    return mapped


def _drawn_from(model: Any, k: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """The maps that convolution k of the decoder is given."""

    def given(images: tf.Tensor) -> tf.Tensor:
        codes = model.encode(images)
        flat = codes if model.decoder.dense is None else model.decoder.dense(codes)
        maps = tf.reshape(flat, [-1, *model.decoder.code_maps])
        for convolution in model.decoder.convolutions[:k]:
            maps = convolution(maps)
        return maps

    return given
