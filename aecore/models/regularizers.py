"""Penalties on the activity of a code, which make it sparse."""

from typing import Any

import tensorflow as tf

from aecore.models.base import weighted_mean

_MARGIN = 1e-6


def activity_penalty(hyper: Any, codes: tf.Tensor, weights: tf.Tensor) -> tf.Tensor | None:
    """The penalty chosen in the configuration.

    Args:
        hyper: that of a `Batch`; names the penalty and its weights.
        codes: float32 [n, units].
        weights: float32 [n], 1 for an image, 0 for padding.

    Returns:
        A scalar to add to the loss, or None where no penalty is chosen.
    """
    if hyper.penalty == "none":
        return None
    if hyper.penalty == "kl":
        return hyper.sparsity_weight * kl_sparsity(codes, weights, hyper.sparsity_target)
    penalty = tf.constant(0.0)
    if hyper.penalty in ("l1", "l1_l2"):
        penalty += hyper.penalty_l1 * weighted_mean(tf.reduce_sum(tf.abs(codes), axis=1), weights)
    if hyper.penalty in ("l2", "l1_l2"):
        penalty += hyper.penalty_l2 * weighted_mean(tf.reduce_sum(tf.square(codes), axis=1), weights)
    return penalty


def kl_sparsity(codes: tf.Tensor, weights: tf.Tensor, target: tf.Tensor | float) -> tf.Tensor:
    """Sum over the units of KL(Bernoulli(target) || Bernoulli(mean activation)), in nats.

    Follows A. Ng, "Sparse autoencoder", CS294A lecture notes, 2011.

    Args:
        codes: float32 [n, units] in [0, 1].
        weights: float32 [n].
        target: the activation asked for, between 0 and 1.
    """
    mean = tf.einsum("nu,n->u", codes, weights) / tf.reduce_sum(weights)
    mean = tf.clip_by_value(mean, _MARGIN, 1 - _MARGIN)
    return tf.reduce_sum(
        target * (tf.math.log(target) - tf.math.log(mean))
        + (1 - target) * (tf.math.log(1 - target) - tf.math.log(1 - mean))
    )
