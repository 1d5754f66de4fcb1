"""Fields that several variants share: the code, dense layers, convolutional layers, and their arithmetic."""

import math
from abc import ABC
from itertools import pairwise
from typing import Literal, NamedTuple, Self

from pydantic import model_validator

from aecore.schema.base import ImageConfig, has_effect
from aecore.schema.fields import Filters, Width, conflict, hyper

Activation = Literal["relu", "elu", "gelu", "selu", "swish", "tanh", "sigmoid", "linear"]
MAX_LAYERS = 10
MAX_CODE = 4096
_DENSE = ("network", ("dense",))
_CONVOLUTIONAL = ("network", ("convolutional",))


class CodeFields(ImageConfig, ABC):
    """The size of the code, and what all layers have."""

    code_size: int = hyper(
        32, "Architecture", "Code size", "Units in the code, the narrow middle of the network.",
        ge=1, le=MAX_CODE, step=1,
    )  # fmt: skip
    activation: Activation = hyper(
        "relu", "Architecture", "Hidden activation", "Activation of the hidden layers of encoder and decoder."
    )
    initializer: Literal["glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "orthogonal"] = hyper(
        "glorot_uniform", "Architecture", "Initialiser", "How the first weights are drawn."
    )


class DenseFields(ImageConfig, ABC):
    """Dense layers between image and code, mirrored by the decoder."""

    hidden: tuple[Width, ...] = hyper(
        (), "Architecture", "Hidden layers",
        "Widths of the layers between image and code, from the image on; the decoder mirrors them.",
        when=_DENSE,
    )  # fmt: skip
    dropout: float = hyper(
        0.0, "Architecture", "Dropout", "Share of hidden units switched off in each training step.",
        ge=0, le=0.95, step=0.05, when=_DENSE,
    )  # fmt: skip

    def widths(self, image_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Widths of the layers from the image to the last hidden one."""
        return (math.prod(image_shape), *self.hidden)

    @model_validator(mode="after")
    def _few_dense_layers(self) -> Self:
        if has_effect(self, "hidden") and len(self.hidden) > MAX_LAYERS:
            raise conflict("hidden", f"hidden takes at most {MAX_LAYERS} widths; received {len(self.hidden)}.")
        return self


def dense_multiply_adds(widths: tuple[int, ...], code_size: int, outputs: int | None = None) -> int:
    """Multiplications with a weight in a dense encoder and its mirror image.

    Args:
        widths: from the image to the last hidden layer.
        code_size: units that the decoder is given.
        outputs: units that the encoder gives, where they are not the code itself.
    """
    down, up = (*widths, outputs or code_size), (code_size, *reversed(widths))
    return sum(a * b for a, b in (*pairwise(down), *pairwise(up)))


def dense_parameters(widths: tuple[int, ...], code_size: int, tied: bool = False, outputs: int | None = None) -> int:
    """Number of weights of a dense encoder and its mirror image, which with `tied` uses the encoder's matrices.

    The other arguments are those of `dense_multiply_adds`.
    """
    matrices = dense_multiply_adds(widths, code_size, outputs) // (2 if tied else 1)
    return matrices + sum(widths[1:]) + (outputs or code_size) + sum(widths)


class ConvLayer(NamedTuple):
    """One convolution.

    Attributes:
        channels: maps that go in.
        filters: maps that come out.
        rescales: whether it halves the maps (encoder) or doubles them (decoder).
        padding: "same", or "valid" for an unpadded one.
    """

    channels: int
    filters: int
    rescales: bool
    padding: str = "same"


class ConvFields(ImageConfig, ABC):
    """Convolutions between image and code, mirrored by the decoder."""

    filters: tuple[Filters, ...] = hyper(
        (32, 32, 16), "Architecture", "Filters",
        "Filters of each convolution from the image on; the decoder mirrors them.", when=_CONVOLUTIONAL,
    )  # fmt: skip
    kernel_size: int = hyper(
        3, "Architecture", "Kernel size", "Height and width of each kernel, in pixels.",
        ge=1, le=9, step=1, when=_CONVOLUTIONAL,
    )  # fmt: skip
    halvings: int = hyper(
        3, "Architecture", "Halvings",
        "How many of the convolutions halve height and width; they are spread evenly, beginning with the first.",
        ge=1, le=4, step=1, when=_CONVOLUTIONAL,
    )  # fmt: skip
    downsampling: Literal["pool", "stride"] = hyper(
        "pool", "Architecture", "Downsampling",
        "How maps are halved: by max-pooling after the convolution, or by moving its kernel two pixels at a time.",
        when=_CONVOLUTIONAL,
    )  # fmt: skip
    upsampling: Literal["resize", "transposed"] = hyper(
        "resize", "Architecture", "Upsampling",
        "How maps are doubled: by repeating pixels after the convolution, or by a transposed convolution.",
        when=_CONVOLUTIONAL,
    )  # fmt: skip
    normalisation: Literal["none", "batch", "layer"] = hyper(
        "none", "Architecture", "Normalisation",
        "Of each convolution's output: over the batch, or over the filters of a pixel.", when=_CONVOLUTIONAL,
    )  # fmt: skip

    @property
    def halving(self) -> tuple[bool, ...]:
        """Which of the convolutions halve the maps."""
        count = len(self.filters)
        halved = {-(-k * count // self.halvings) for k in range(self.halvings)}
        return tuple(k in halved for k in range(count))

    def map_sizes(self, image_shape: tuple[int, ...]) -> list[tuple[int, int]]:
        """Height and width of the image and of what each convolution of the encoder makes of it."""
        sizes = [(image_shape[0], image_shape[1])]
        for downsamples in self.halving:
            height, width = sizes[-1]
            sizes.append((-(-height // 2), -(-width // 2)) if downsamples else (height, width))
        return sizes

    def code_maps(self, image_shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Shape of the last convolution's maps: height, width, filters."""
        return (*self.map_sizes(image_shape)[-1], self.filters[-1])

    def encoder_layers(self, image_shape: tuple[int, ...]) -> list[ConvLayer]:
        """The encoder's convolutions."""
        channels = (image_shape[2], *self.filters)
        return [
            ConvLayer(*pair, downsamples) for pair, downsamples in zip(pairwise(channels), self.halving, strict=True)
        ]

    def decoder_layers(self, image_shape: tuple[int, ...]) -> list[ConvLayer]:
        """The decoder's convolutions; the last one gives the image's logits.

        Where a side was odd on the way down, doubling makes it too large. A convolution is left unpadded where
        that brings the maps back to the size which they had; what is too large at the end is cut off.
        """
        sizes, channels = self.map_sizes(image_shape), self.filters[-1]
        present, layers = sizes[-1], []
        for k in reversed(range(len(self.filters))):
            doubles = self.halving[k]
            padding, present = self._fitted(present, sizes[k + 1], doubles and self.upsampling == "transposed")
            layers.append(ConvLayer(channels, self.filters[k], doubles, padding))
            channels = self.filters[k]
            present = (2 * present[0], 2 * present[1]) if doubles else present
        padding, _ = self._fitted(present, sizes[0], False)
        return [*layers, ConvLayer(channels, image_shape[2], False, padding)]

    def _fitted(self, present: tuple[int, int], wanted: tuple[int, int], transposed: bool):
        """The padding of a convolution on maps of the present size, and the size that it leaves."""
        too_large = {present[0] - wanted[0], present[1] - wanted[1]}
        if not transposed and self.kernel_size > 1 and too_large == {self.kernel_size - 1}:
            return "valid", wanted
        return "same", present

    def conv_parameters(self, image_shape: tuple[int, ...], code_size: int, outputs: int | None = None) -> int:
        """Number of weights of encoder and decoder; `code_size` 0 is a code made of maps, without dense layers."""
        *inner, last = [*self.encoder_layers(image_shape), *self.decoder_layers(image_shape)]
        each = {"none": 1, "batch": 4, "layer": 2}[self.normalisation]  # biases, or what the normalisation keeps
        count = sum(self.kernel_size**2 * layer.channels * layer.filters + each * layer.filters for layer in inner)
        count += self.kernel_size**2 * last.channels * last.filters + last.filters
        flat = math.prod(self.code_maps(image_shape))
        return count + (dense_parameters((flat,), code_size, outputs=outputs) if code_size else 0)

    def conv_multiply_adds(self, image_shape: tuple[int, ...], code_size: int, outputs: int | None = None) -> int:
        """Multiplications with a weight that one image takes, to within what padding adds; see `conv_parameters`."""
        sizes = [height * width for height, width in self.map_sizes(image_shape)]
        down = sizes[1:] if self.downsampling == "stride" else sizes[:-1]
        # Before doubling: a transposed convolution multiplies each pixel that goes in, pixels are repeated afterwards.
        up = sizes[:0:-1]
        layers = [*self.encoder_layers(image_shape), *self.decoder_layers(image_shape)]
        count = sum(
            self.kernel_size**2 * layer.channels * layer.filters * size
            for layer, size in zip(layers, [*down, *up, sizes[0]], strict=True)
        )
        flat = math.prod(self.code_maps(image_shape))
        return count + (dense_multiply_adds((flat,), code_size, outputs) if code_size else 0)

    @model_validator(mode="after")
    def _convolutions_fit(self) -> Self:
        if not has_effect(self, "filters"):
            return self
        if not 1 <= len(self.filters) <= MAX_LAYERS:
            raise conflict("filters", f"filters takes 1 to {MAX_LAYERS} numbers; received {len(self.filters)}.")
        if self.halvings > len(self.filters):
            raise conflict(
                "halvings",
                f"halvings takes at most as many as there are filters ({len(self.filters)}); received {self.halvings}.",
            )
        return self
