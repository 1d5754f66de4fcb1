"""The contractive autoencoder: a dense one whose encoder's Jacobian is kept small."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from aecore.models.base import PACKAGE, Batch, weighted_mean
from aecore.models.dense import DenseAutoencoder, Encoder
from aecore.schema.contractive import Contractive

_BATCH = 250


@keras.saving.register_keras_serializable(PACKAGE)
class ContractiveAutoencoder(DenseAutoencoder):
    """See `Autoencoder` for the arguments."""

    hyper: Contractive

    def objective(self, batch: Batch, training: bool) -> dict[str, tf.Tensor]:
        terms = super().objective(batch, training)
        norm = weighted_mean(jacobian_norm(self.encoder, batch.inputs), batch.weights)
        penalty = batch.hyper.contraction * norm
        return {"loss": terms["loss"] + penalty, "reconstruction": terms["loss"], "penalty": penalty}

    def extra_metrics(self, clean: np.ndarray, corrupted: np.ndarray, stage: Callable[[str], None]) -> dict[str, float]:
        """`jacobian_norm`: squared Frobenius norm of the encoder's Jacobian, averaged over the held-out images."""
        stage("the Jacobian")
        norms = [
            jacobian_norm(self.encoder, tf.constant(corrupted[k : k + _BATCH]))
            for k in range(0, len(corrupted), _BATCH)
        ]
        return {"jacobian_norm": float(tf.reduce_mean(tf.concat(norms, axis=0)))}


def jacobian_norm(encoder: Encoder, images: tf.Tensor) -> tf.Tensor:
    """Squared Frobenius norm of the Jacobian of a dense encoder (Rifai et al., 2011), without dropout.

    The Jacobian is D_n W_n ... D_1 W_1 with the activations' slopes in the diagonal matrices D. It is multiplied
    from the code towards the image; the first layer, which is as wide as the image, enters by its Gram matrix
    only, so that no [code, pixels] matrix is made for each image.

    Args:
        encoder: the dense encoder.
        images: float32 [n, h, w, c].

    Returns:
        float32 [n].
    """
    slopes, hidden = [], tf.reshape(images, [-1, encoder.settings["widths"][0]])
    for layer in encoder.dense:
        before = tf.cast(tf.matmul(hidden, tf.cast(layer.kernel, hidden.dtype)), tf.float32) + layer.bias
        with tf.GradientTape() as tape:
            tape.watch(before)
            hidden = layer.activation(before)
        slopes.append(tape.gradient(hidden, before))
    first = tf.convert_to_tensor(encoder.dense[0].kernel)
    gram = tf.matmul(first, first, transpose_a=True)
    if len(slopes) == 1:
        return tf.linalg.matvec(tf.square(slopes[0]), tf.linalg.diag_part(gram))
    product = tf.linalg.diag(slopes[-1])
    for layer, slope in zip(reversed(encoder.dense[1:]), reversed(slopes[:-1]), strict=True):
        product = tf.einsum("ncj,ij->nci", product, tf.convert_to_tensor(layer.kernel)) * slope[:, None, :]
    return tf.reduce_sum(tf.einsum("nci,ij->ncj", product, gram) * product, axis=[1, 2])
