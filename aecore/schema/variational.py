"""The variational autoencoder, dense or convolutional."""

import math
from abc import ABC
from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from aecore.schema.base import IMAGE_SHAPE, ImageConfig
from aecore.schema.fields import conflict, hyper
from aecore.schema.layers import CodeFields, ConvFields, DenseFields, dense_multiply_adds, dense_parameters

COLLAPSED = 0.01  # nats: a unit with a smaller KL says nothing about the image


class NetworkField(ImageConfig, ABC):
    """For variants that exist with either kind of layer."""

    network: Literal["dense", "convolutional"] = hyper(
        "dense", "Architecture", "Network", "What encoder and decoder are made of."
    )


class Variational(CodeFields, ConvFields, DenseFields, NetworkField):
    """A code that is a distribution, kept near a standard normal one (Kingma and Welling, 2014)."""

    name: ClassVar[str] = "variational"
    title: ClassVar[str] = "Variational"
    summary: ClassVar[str] = (
        "The code is a small cloud, not a point: codes fill the space, and new digits can be drawn."
    )
    model_class: ClassVar[str] = "aecore.models.variational:VariationalAutoencoder"
    how_it_works: ClassVar[str] = r"""
The encoder gives a mean and a variance for each unit of the code, $q(z \mid x) = \mathcal N(\mu(x), \sigma^2(x))$;
the decoder is shown a draw from it. Trained is the **evidence lower bound** of the image's log-likelihood
(Kingma and Welling, 2014):

$$
\log p(x) \;\ge\; \mathrm{ELBO} = \underbrace{\mathbb E_{q}\,[\log p(x \mid z)]}_{\text{reconstruction}}
\;-\; \underbrace{\mathrm{KL}\bigl(q(z \mid x)\,\Vert\,\mathcal N(0, I)\bigr)}_{\text{KL of the code}}
$$

The first part asks for good reconstructions, the second for codes that together look like a standard normal cloud.
A unit whose KL is zero says nothing about the image: it has **collapsed**. Because codes fill the cloud, a random
draw from it decodes into a new digit.

Minimised is $-\text{reconstruction} + \beta\,\mathrm{KL}$: with $\beta = 1$ that is the negative ELBO; a larger
$\beta$ (Higgins et al., 2017) gives some of the bound away for tidier codes. Warm-up raises $\beta$ slowly, so that
units are not given up before they have learnt something.

Only with black and white pixels is the Bernoulli likelihood one of the image itself; on greys it is a cross-entropy,
which cannot be compared with published likelihoods.
"""
    baseline_note: ClassVar[str] = "PCA's line is its reconstruction term alone: a code that is a point has no KL."
    presets: ClassVar[dict] = {
        "quick": {
            "hidden": (256,), "code_size": 2, "activation": "swish", "learning_rate": 2e-3, "batch_size": 32,
            "epochs": 60,
        },
        "plane": {
            "hidden": (500, 500, 250), "code_size": 2, "activation": "swish", "learning_rate": 1e-3,
            "schedule": "cosine", "batch_size": 128, "epochs": 60,
        },
        "convolutional": {
            "network": "convolutional", "filters": (16, 32, 32), "halvings": 2, "downsampling": "stride",
            "upsampling": "transposed", "normalisation": "batch", "code_size": 16, "learning_rate": 1e-3,
            "schedule": "cosine", "batch_size": 128, "epochs": 20,
        },
        "best": {
            "hidden": (500, 500), "code_size": 20, "activation": "swish", "binarise": True, "learning_rate": 1e-3,
            "schedule": "cosine", "batch_size": 128, "epochs": 80,
        },
    }  # fmt: skip

    likelihood: Literal["bernoulli", "gaussian"] = hyper(
        "bernoulli", "Objective", "Likelihood of a pixel",
        "Bernoulli: the decoder gives the probability of white. Gaussian: it gives the mean of a normal distribution.",
    )  # fmt: skip
    pixel_std: float = hyper(
        0.1, "Objective", "Standard deviation of a pixel",
        "Of the Gaussian likelihood, in units of full white; the smaller, the more reconstructions count.",
        ge=0.01, le=1, step=0.01, when=("likelihood", ("gaussian",)),
    )  # fmt: skip
    binarise: bool = hyper(
        False, "Objective", "Black and white pixels",
        "Whether each pixel is drawn black or white with its grey as the probability, afresh in each step: the usual "
        "way to measure likelihoods on MNIST. Held-out images are drawn once.", when=("likelihood", ("bernoulli",)),
    )  # fmt: skip
    beta: float = hyper(
        1.0, "Objective", "KL weight β", "Weight of the KL; 1 gives the evidence lower bound.",
        ge=0, le=100, step=0.01, compiled=False,
    )  # fmt: skip
    warm_up: float = hyper(
        0.0, "Objective", "Warm-up of β",
        "Share of the training over which β rises from 0; training further stretches it.",
        ge=0, le=1, step=0.05,
    )  # fmt: skip

    @model_validator(mode="after")
    def _pixels_or_noise_are_kept(self) -> Self:
        if self.binary and self.noise != "none" and not self.fresh_noise:
            raise conflict(
                "fresh_noise",
                "Noise cannot be kept on pixels that are drawn afresh: choose fresh_noise, or no binarise.",
            )
        return self

    @property
    def code_units(self) -> int:
        return self.code_size

    @property
    def binary(self) -> bool:
        return self.binarise and self.likelihood == "bernoulli"

    @property
    def metrics_note(self) -> str:
        means = "Reconstructions and codes are those of the codes' means."
        if self.likelihood == "bernoulli" and not self.binary:
            return (
                f"{means} Pixels are greys, for which the Bernoulli terms are cross-entropies: bound and "
                "log-likelihood can be compared with published ones only where pixels are black and white."
            )
        return means

    @property
    def loss_title(self) -> str:
        return "negative ELBO, nats" if self.beta == 1 and not self.warm_up else "reconstruction + β · KL, nats"

    def baseline_loss(self, metrics: Mapping[str, float]) -> float:
        """The reconstruction term alone, in nats: a code that is a point has no KL."""
        pixels = math.prod(IMAGE_SHAPE)
        if self.likelihood == "bernoulli":
            return metrics["bce"] * pixels
        return metrics["sse_per_image"] / (2 * self.pixel_std**2) + pixels * math.log(
            self.pixel_std * math.sqrt(2 * math.pi)
        )

    def multiply_adds(self, image_shape: tuple[int, ...]) -> int:
        if self.network == "dense":
            return dense_multiply_adds(self.widths(image_shape), self.code_size, outputs=2 * self.code_size)
        return self.conv_multiply_adds(image_shape, self.code_size, outputs=2 * self.code_size)

    def parameters(self, image_shape: tuple[int, ...]) -> int:
        if self.network == "dense":
            return dense_parameters(self.widths(image_shape), self.code_size, outputs=2 * self.code_size)
        return self.conv_parameters(image_shape, self.code_size, outputs=2 * self.code_size)
