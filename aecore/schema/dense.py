"""The dense family: vanilla, sparse, denoising and stacked autoencoders.

Settings of the `book` presets are those of the two textbook chapters this project follows, seed and order of the
batches included. The textbook's sparse loop never adds its penalty to the loss; here it is added. Its stacked network
feeds a linear output to a cross-entropy of probabilities; here the cross-entropy is computed on logits.
"""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from aecore.schema.base import PixelLossConfig
from aecore.schema.fields import Width, conflict, hyper
from aecore.schema.layers import Activation, CodeFields, DenseFields, dense_multiply_adds, dense_parameters

Penalty = Literal["none", "l1", "l2", "l1_l2", "kl"]


class DenseConfig(CodeFields, DenseFields, PixelLossConfig):
    """Dense layers `hidden` down to a code of `code_size`, and the mirror image back up."""

    model_class: ClassVar[str] = "aecore.models.dense:DenseAutoencoder"

    code_activation: Activation = hyper(
        "relu", "Architecture", "Code activation", "Activation of the code; linear lets it take any value."
    )
    output_activation: Literal["sigmoid", "relu", "linear"] = hyper(
        "sigmoid", "Architecture", "Output activation",
        "Activation of the reconstructed pixels; binary cross-entropy needs sigmoid.",
    )  # fmt: skip
    tied_weights: bool = hyper(
        False, "Architecture", "Tied weights", "Whether each decoder layer uses its encoder layer's matrix, transposed."
    )

    @property
    def code_units(self) -> int:
        return self.code_size

    def parameters(self, image_shape: tuple[int, ...]) -> int:
        return dense_parameters(self.widths(image_shape), self.code_size, self.tied_weights)

    def multiply_adds(self, image_shape: tuple[int, ...]) -> int:
        return dense_multiply_adds(self.widths(image_shape), self.code_size)

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.loss == "bce" and self.output_activation != "sigmoid":
            raise conflict(
                "output_activation",
                f"Binary cross-entropy compares probabilities: choose output_activation sigmoid, or loss mse; "
                f"received '{self.output_activation}'.",
            )
        return self


class Vanilla(DenseConfig):
    """One code layer between encoder and decoder: Hinton and Salakhutdinov's idea in its smallest form."""

    name: ClassVar[str] = "vanilla"
    title: ClassVar[str] = "Vanilla"
    summary: ClassVar[str] = "Squeeze the image through a narrow code and draw it again: the smallest autoencoder."
    how_it_works: ClassVar[str] = r"""
The encoder turns an image $x$ into a code $h$, the decoder turns the code back into an image $\hat x$:

$$
h = f(W x + b), \qquad \hat x = g(W' h + b')
$$

Both are trained together to make the reconstruction error small,

$$
L = \frac{1}{784}\sum_i (x_i - \hat x_i)^2 .
$$

No label is used: the image is its own target. Because the code is smaller than the image, the network has to
find what images have in common. With linear layers the best it can do is **PCA**, which is why every figure
here stands beside PCA at the same code size.
"""
    presets: ClassVar[dict] = {
        "book": {
            "code_size": 128, "output_activation": "relu", "learning_rate": 1e-2, "batch_size": 256, "epochs": 50,
            "seed": 11, "shuffle": False,
        },
        "quick": {
            "hidden": (128,), "code_size": 16, "code_activation": "linear", "learning_rate": 3e-3,
            "batch_size": 32, "epochs": 60,
        },
        "best": {
            "hidden": (512, 256), "activation": "swish", "code_size": 32, "code_activation": "linear",
            "loss": "bce", "learning_rate": 2e-3, "schedule": "cosine", "batch_size": 256, "epochs": 40,
        },
    }  # fmt: skip


class Sparse(DenseConfig):
    """A code of which only few units are active at a time."""

    name: ClassVar[str] = "sparse"
    title: ClassVar[str] = "Sparse"
    summary: ClassVar[str] = "A wide code in which only a few units may fire for each image: strokes instead of blurs."
    how_it_works: ClassVar[str] = r"""
A penalty $\Omega$ on the code is added to the reconstruction error, $L + \Omega(h)$, so that most units stay
silent for any one image. With code units $h_j$, averaged over the batch:

$$
\Omega_{L1} = \lambda_1 \sum_j |h_j|, \qquad \Omega_{L2} = \lambda_2 \sum_j h_j^2
$$

The **Kullback-Leibler** penalty asks each unit to be active a share $\rho$ of the time. With its mean
activation $\hat\rho_j$ over the batch (Ng, 2011):

$$
\Omega_{KL} = \beta \sum_j \rho\log\frac{\rho}{\hat\rho_j} + (1-\rho)\log\frac{1-\rho}{1-\hat\rho_j}
$$

Look at the weights: a sparse code learns strokes and parts, and its mean activation falls well below vanilla's.
"""
    presets: ClassVar[dict] = {
        "book": {
            "code_size": 128, "output_activation": "relu", "learning_rate": 1e-2, "batch_size": 256, "epochs": 50,
            "penalty": "l1", "penalty_l1": 1e-4, "seed": 11, "shuffle": False,
        },
        "quick": {
            "code_size": 64, "learning_rate": 3e-3, "batch_size": 64, "epochs": 30, "penalty": "l1", "penalty_l1": 1e-4,
        },
        "kl": {
            "code_size": 128, "code_activation": "sigmoid", "learning_rate": 3e-3, "batch_size": 256, "epochs": 40,
            "penalty": "kl", "sparsity_target": 0.05, "sparsity_weight": 1e-3,
        },
        "best": {
            "code_size": 256, "learning_rate": 2e-3, "schedule": "cosine", "batch_size": 256, "epochs": 60,
            "loss": "bce", "penalty": "l1", "penalty_l1": 1e-4,
        },
    }  # fmt: skip

    penalty: Penalty = hyper(
        "l1", "Sparsity", "Activity penalty", "Which penalty on the code's activity is added to the loss."
    )
    penalty_l1: float = hyper(
        1e-4, "Sparsity", "L1 weight", "Weight of the sum of absolute activities of the code, averaged over the batch.",
        ge=0, le=1, step=1e-5, when=("penalty", ("l1", "l1_l2")), compiled=False,
    )  # fmt: skip
    penalty_l2: float = hyper(
        1e-4, "Sparsity", "L2 weight", "Weight of the sum of squared activities of the code, averaged over the batch.",
        ge=0, le=1, step=1e-5, when=("penalty", ("l2", "l1_l2")), compiled=False,
    )  # fmt: skip
    sparsity_target: float = hyper(
        0.05, "Sparsity", "Target activation ρ", "Share of the images for which a unit should be active.",
        ge=0.001, le=0.999, step=0.01, when=("penalty", ("kl",)), compiled=False,
    )  # fmt: skip
    sparsity_weight: float = hyper(
        1e-3, "Sparsity", "KL weight β", "Weight of the Kullback-Leibler penalty, summed over the units.",
        ge=0, le=10, step=1e-4, when=("penalty", ("kl",)), compiled=False,
    )  # fmt: skip

    @model_validator(mode="after")
    def _kl_needs_probabilities(self) -> Self:
        if self.penalty == "kl" and self.code_activation != "sigmoid":
            raise conflict(
                "code_activation",
                "The Kullback-Leibler penalty reads activations as probabilities: choose code_activation sigmoid, "
                f"or another penalty; received '{self.code_activation}'.",
            )
        return self


class Denoising(DenseConfig):
    """Corrupted image in, clean image out (Vincent et al., 2008)."""

    name: ClassVar[str] = "denoising"
    title: ClassVar[str] = "Denoising"
    summary: ClassVar[str] = "Corrupted image in, clean image out: the network must learn what digits look like."
    how_it_works: ClassVar[str] = r"""
The input is corrupted, $\tilde x \sim q(\tilde x \mid x)$, but the target stays the clean image
(Vincent et al., 2008):

$$
L = \frac{1}{784}\sum_i \bigl(x_i - \hat x_i(\tilde x)\bigr)^2
$$

New noise is drawn in every training step, so nothing can be learnt by heart (the preset *book* draws it once, as the
textbook does); held-out images keep one fixed
noise, so that curves can be compared. Copying the input no longer helps, so even an **overcomplete** code (more
units than pixels) learns something useful.
"""
    # The textbook takes vanilla's encoder and decoder, ReLU at both layers, and draws the noise once. `sigmoid` is the
    # same with an output that cannot die and with fresh noise: its held-out loss ends at 0.0146 instead of 0.0216.
    presets: ClassVar[dict] = {
        "book": {
            "code_size": 128, "output_activation": "relu", "learning_rate": 1e-3, "batch_size": 256, "epochs": 50,
            "noise": "gaussian", "noise_mean": 0.5, "noise_std": 0.5, "clip": False, "fresh_noise": False, "seed": 11,
        },
        "sigmoid": {
            "code_size": 128, "learning_rate": 1e-3, "batch_size": 256, "epochs": 50,
            "noise": "gaussian", "noise_mean": 0.5, "noise_std": 0.5, "clip": False,
        },
        "quick": {
            "code_size": 64, "learning_rate": 2e-3, "batch_size": 64, "epochs": 80,
            "noise": "gaussian", "noise_mean": 0.0, "noise_std": 0.5, "clip": True,
        },
        "overcomplete": {
            "code_size": 1024, "learning_rate": 1e-3, "schedule": "cosine", "batch_size": 256, "epochs": 30,
            "noise": "gaussian", "noise_mean": 0.5, "noise_std": 0.5, "clip": False,
        },
        "best": {
            "hidden": (1024,), "code_size": 256, "learning_rate": 1e-3, "schedule": "cosine",
            "batch_size": 256, "epochs": 40,
            "noise": "gaussian", "noise_mean": 0.5, "noise_std": 0.5, "clip": False,
        },
    }  # fmt: skip

    noise: Literal["none", "gaussian", "masking", "salt_and_pepper"] = hyper(
        "gaussian", "Noise", "Noise", "What is done to the input; the target of the reconstruction stays clean."
    )


class Stacked(DenseConfig):
    """A deep encoder and its mirror image, trained as a whole or greedily layer by layer first."""

    name: ClassVar[str] = "stacked"
    title: ClassVar[str] = "Stacked"
    summary: ClassVar[str] = "Many layers down to a tiny code; trained as a whole, or layer by layer and then together."
    how_it_works: ClassVar[str] = r"""
Several layers shrink the image step by step,

$$
h_1 = f(W_1 x), \quad h_2 = f(W_2 h_1), \;\dots,\; h_n = W_n h_{n-1},
$$

and the decoder mirrors them. Depth lets the code bend around the data where PCA can only lay a flat sheet
through it (Hinton and Salakhutdinov, 2006).

**Layer-wise pretraining** (Bengio et al., 2007) trains layer $k$ alone as a shallow autoencoder of the layer below,
$\min \lVert h_{k-1} - \hat h_{k-1} \rVert^2$, from the bottom up; then all layers are fine-tuned together. The
phases are marked in the loss curve.
"""
    presets: ClassVar[dict] = {
        "book": {
            "hidden": (512, 128, 64), "code_size": 32, "code_activation": "linear", "loss": "bce",
            "learning_rate": 1e-3, "batch_size": 256, "epochs": 50,
        },
        "quick": {
            "hidden": (128, 64), "code_size": 16, "code_activation": "linear", "loss": "bce",
            "learning_rate": 2e-3, "batch_size": 32, "epochs": 60,
        },
        "layerwise": {
            "hidden": (512, 128, 64), "code_size": 32, "code_activation": "linear", "learning_rate": 1e-3,
            "batch_size": 256, "epochs": 20, "pretraining": "layerwise", "pretraining_epochs": 3,
        },
        "best": {
            "hidden": (1000, 500, 250), "activation": "swish", "code_size": 30, "code_activation": "linear",
            "loss": "bce", "learning_rate": 1e-3, "schedule": "cosine", "batch_size": 128, "epochs": 100,
        },
    }  # fmt: skip

    hidden: tuple[Width, ...] = hyper(
        (512, 128, 64), "Architecture", "Hidden layers",
        "Widths of the layers between image and code, from the image on; the decoder mirrors them.",
    )  # fmt: skip
    pretraining: Literal["none", "layerwise"] = hyper(
        "none", "Run", "Pretraining", "Whether each layer is first trained alone, from the bottom up."
    )
    pretraining_epochs: int = hyper(
        3, "Run", "Epochs for each layer", "Epochs that each layer is trained alone before all are fine-tuned.",
        ge=1, le=1000, step=1, when=("pretraining", ("layerwise",)), compiled=False,
    )  # fmt: skip

    def phases(self) -> tuple[tuple[str, int], ...]:
        if self.pretraining == "none":
            return (("training", self.epochs),)
        layers = range(1, len(self.hidden) + 2)
        return (*((f"layer {k}", self.pretraining_epochs) for k in layers), ("fine-tuning", self.epochs))
