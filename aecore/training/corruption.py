"""Corruption inside the compiled step; `aecore.datasets.corruption` is the same in NumPy."""

from typing import Any

import tensorflow as tf


def corrupt(images: tf.Tensor, hyper: Any, seed: tf.Tensor, xla: bool) -> tf.Tensor:
    """Draws fresh noise on a batch.

    Args:
        images: float32 [n, h, w, c] in [0, 1].
        hyper: an `ImageConfig`, or a `StepConfig`: which noise, how strong, and whether it is clipped.
        seed: int32 [2]; the same seed gives the same noise.
        xla: whether the step is compiled with XLA, where Threefry is ten times as fast as the default Philox;
            TensorFlow's own kernels know only the latter.

    Returns:
        float32 [n, h, w, c].
    """
    shape, alg = tf.shape(images), "threefry" if xla else "philox"
    if hyper.noise == "gaussian":
        noisy = images + tf.random.stateless_normal(shape, seed, hyper.noise_mean, hyper.noise_std, alg=alg)
        return tf.clip_by_value(noisy, 0.0, 1.0) if hyper.clip else noisy
    if hyper.noise == "masking":
        return tf.where(tf.random.stateless_uniform(shape, seed, alg=alg) < hyper.noise_fraction, 0.0, images)
    if hyper.noise == "salt_and_pepper":
        # One draw does for both: the pixels below the share are hit, the lower half of them turn black.
        drawn = tf.random.stateless_uniform(shape, seed, alg=alg)
        pepper, hit = drawn < hyper.noise_fraction / 2, drawn < hyper.noise_fraction
        return tf.where(pepper, 0.0, tf.where(hit, 1.0, images))
    return images


def binarise(images: tf.Tensor, seed: tf.Tensor, xla: bool) -> tf.Tensor:
    """Draws each pixel black or white with its grey as the probability (Salakhutdinov and Murray, 2008).

    The arguments are those of `corrupt`.
    """
    drawn = tf.random.stateless_uniform(tf.shape(images), seed, alg="threefry" if xla else "philox")
    return tf.cast(drawn < images, tf.float32)
