"""Optimizers by their configuration, and the schedule of the learning rate."""

import math
from typing import Any

import keras
import tensorflow as tf

from aecore.schema import VariantConfig


def make_optimizer(hyper: VariantConfig) -> keras.optimizers.Optimizer:
    """The optimizer of a configuration; the loop sets its learning rate before each step."""
    common = {"learning_rate": hyper.learning_rate, "weight_decay": hyper.weight_decay or None}
    if hyper.optimizer == "adamw":
        return keras.optimizers.AdamW(learning_rate=hyper.learning_rate, weight_decay=hyper.weight_decay)
    if hyper.optimizer == "sgd":
        return keras.optimizers.SGD(momentum=hyper.momentum, **common)
    if hyper.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(**common)
    return keras.optimizers.Adam(**common)


def decay(hyper: Any, progress: tf.Tensor) -> tf.Tensor:
    """What the learning rate is multiplied by.

    Args:
        hyper: a `VariantConfig`, or a `StepConfig`: names the schedule and its end.
        progress: float32 scalar, share of the phase that is done.

    Returns:
        float32 scalar: 1 throughout (constant); half a cosine from 1 to the end (Loshchilov and Hutter,
        2017); or the same factor in every step (exponential).
    """
    if hyper.schedule == "cosine":
        end = hyper.final_learning_rate
        return end + (1 - end) * 0.5 * (1 + tf.cos(math.pi * progress))
    if hyper.schedule == "exponential":
        return tf.exp(tf.math.log(hyper.final_learning_rate) * progress)
    return tf.constant(1.0)
