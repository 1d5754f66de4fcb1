"""The convolutional autoencoder."""

import math
from typing import ClassVar

from aecore.errors import BadInput
from aecore.schema.base import IMAGE_SHAPE, PixelLossConfig
from aecore.schema.fields import hyper
from aecore.schema.layers import MAX_CODE, Activation, CodeFields, ConvFields

_BOOK_NOISE = {"noise": "gaussian", "noise_mean": 0.0, "noise_std": 0.5, "clip": True}


class Convolutional(CodeFields, ConvFields, PixelLossConfig):
    """Kernels that look at small neighbourhoods, the same everywhere in the image."""

    name: ClassVar[str] = "convolutional"
    title: ClassVar[str] = "Convolutional"
    summary: ClassVar[str] = "Small kernels slide over the image: few weights, and strokes found wherever they are."
    model_class: ClassVar[str] = "aecore.models.convolutional:ConvolutionalAutoencoder"
    how_it_works: ClassVar[str] = r"""
A dense layer has a weight for every pixel; a **convolution** has one small kernel $K_f$ for each filter and
slides it over all maps $h^c$ of the layer below,

$$
h_f[i, j] = g\Bigl(b_f + \sum_c \sum_{u, v} K_f^c[u, v]\; h^c[i + u, j + v]\Bigr),
$$

so a stroke is recognised wherever it is. Max-pooling or a stride of two halves the maps on the way to the code;
the decoder doubles them again by repeating pixels or by a transposed convolution.

Without a dense code the code is what the last convolution leaves, a stack of small maps. With one, the maps are
multiplied into a code of the size chosen, which can be compared with **PCA** of that size.

The textbook trains it to remove noise: the input is corrupted, the target stays clean.
"""
    presets: ClassVar[dict] = {
        "book": {
            "filters": (32, 32, 16), "loss": "bce", "learning_rate": 1e-3, "batch_size": 128, "epochs": 50,
            **_BOOK_NOISE, "fresh_noise": False,
        },
        "fresh": {  # the book's network with new noise in every step
            "filters": (32, 32, 16), "loss": "bce", "learning_rate": 1e-3, "batch_size": 128, "epochs": 50,
            **_BOOK_NOISE,
        },
        "quick": {
            "filters": (8, 16), "halvings": 2, "code_size": 16, "downsampling": "stride", "upsampling": "transposed",
            "loss": "bce", "learning_rate": 5e-3, "schedule": "cosine", "batch_size": 32, "epochs": 30,
        },
        "best": {
            "filters": (16, 48, 48, 64, 64, 16), "halvings": 2, "downsampling": "stride", "upsampling": "transposed",
            "normalisation": "batch", "loss": "bce", "learning_rate": 2e-3, "schedule": "cosine",
            "batch_size": 128, "epochs": 18, **_BOOK_NOISE,
        },
    }  # fmt: skip

    code_size: int = hyper(
        0, "Architecture", "Dense code",
        "Units of a dense code behind the convolutions; 0 leaves their maps as the code.",
        ge=0, le=MAX_CODE, step=1,
    )  # fmt: skip
    code_activation: Activation = hyper(
        "linear", "Architecture", "Code activation", "Activation of the dense code; linear lets it take any value."
    )

    @property
    def code_units(self) -> int:
        return self.code_size or math.prod(self.code_maps(IMAGE_SHAPE))

    def parameters(self, image_shape: tuple[int, ...]) -> int:
        return self.conv_parameters(image_shape, self.code_size)

    def multiply_adds(self, image_shape: tuple[int, ...]) -> int:
        return self.conv_multiply_adds(image_shape, self.code_size)

    def check(self, image_shape: tuple[int, ...]) -> None:
        super().check(image_shape)
        if self.code_units > MAX_CODE:
            height, width, maps = self.code_maps(image_shape)
            raise BadInput(
                {
                    "filters": f"The code would have {self.code_units:,} numbers ({maps} maps of {height}×{width}); "
                    f"the most allowed is {MAX_CODE:,}: halve more often, give the last convolution fewer filters, or "
                    "choose a dense code."
                }
            )
