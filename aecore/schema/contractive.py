"""The contractive autoencoder."""

from typing import ClassVar, Literal

from aecore.schema.dense import DenseConfig
from aecore.schema.fields import hyper
from aecore.schema.layers import Activation


class Contractive(DenseConfig):
    """A code that hardly moves when the image changes a little (Rifai et al., 2011)."""

    name: ClassVar[str] = "contractive"
    title: ClassVar[str] = "Contractive"
    summary: ClassVar[str] = "The code hardly moves when the image changes a little: only real differences count."
    model_class: ClassVar[str] = "aecore.models.contractive:ContractiveAutoencoder"
    how_it_works: ClassVar[str] = r"""
How fast the code moves with the image is told by the encoder's **Jacobian**. Its squared Frobenius norm is added
to the reconstruction error (Rifai et al., 2011):

$$
L + \lambda \,\lVert J_f(x) \rVert_F^2, \qquad
\lVert J_f(x) \rVert_F^2 = \sum_{j, i} \Bigl(\frac{\partial h_j}{\partial x_i}\Bigr)^2
$$

Reconstruction asks the code to tell images apart; the penalty asks it to ignore every small change. What wins in the
end are the directions along which digits really differ. For one sigmoid layer the norm is
$\sum_j \bigl(h_j (1 - h_j)\bigr)^2 \sum_i W_{ji}^2$; for deeper encoders the layers' Jacobians are multiplied.

A denoising autoencoder makes the *reconstruction* resist noise; this one makes the *code* resist it, without noise.
"""
    presets: ClassVar[dict] = {
        "paper": {
            "code_size": 256, "code_activation": "sigmoid", "tied_weights": True, "loss": "bce", "contraction": 1e-4,
            "learning_rate": 1e-3, "batch_size": 128, "epochs": 40,
        },
        "quick": {
            "code_size": 64, "code_activation": "sigmoid", "tied_weights": True, "loss": "bce", "contraction": 1e-4,
            "learning_rate": 5e-3, "batch_size": 64, "epochs": 30,
        },
        "best": {
            "hidden": (512,), "activation": "swish", "code_size": 64, "code_activation": "sigmoid", "loss": "bce",
            "contraction": 1e-4, "learning_rate": 1e-3, "schedule": "cosine", "batch_size": 128, "epochs": 40,
        },
    }  # fmt: skip

    code_activation: Activation = hyper(
        "sigmoid", "Architecture", "Code activation", "Activation of the code; linear lets it take any value."
    )
    loss: Literal["mse", "bce"] = hyper(
        "bce", "Objective", "Reconstruction loss",
        "Mean squared error, or binary cross-entropy computed on logits; both are means over the pixels.",
    )  # fmt: skip
    contraction: float = hyper(
        1e-4, "Objective", "Contraction λ",
        "Weight of the squared Frobenius norm of the encoder's Jacobian, averaged over the batch.",
        ge=0, le=10, step=1e-5, compiled=False,
    )  # fmt: skip
