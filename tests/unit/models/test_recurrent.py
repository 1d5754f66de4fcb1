"""Our recurrent layers are Keras's, states and gradients alike."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from aecore.models.recurrent import Recurrent

STEPS, ROWS, WIDTH, UNITS = 7, 3, 5, 4


def swapped(weights: np.ndarray) -> np.ndarray:
    """From our order of an LSTM's gates (output before candidate) to Keras's, or back."""
    take, keep, show, candidate = np.split(weights, 4, axis=-1)
    return np.concatenate([take, keep, candidate, show], axis=-1)


def twin(layer: Recurrent, cell: str) -> keras.layers.Layer:
    """Keras's layer with the same weights."""
    kernel, recurrent, bias = (np.asarray(variable) for variable in layer.trainable_variables)
    if cell == "lstm":
        other, weights = (
            keras.layers.LSTM(UNITS, return_sequences=True),
            [swapped(w) for w in (kernel, recurrent, bias)],
        )
    else:
        other = keras.layers.GRU(UNITS, return_sequences=True, reset_after=True)
        weights = [kernel, recurrent, np.stack([bias, np.zeros_like(bias)])]
    other.build((None, STEPS, WIDTH))
    other.set_weights(weights)
    return other


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_states_and_gradients_are_those_of_keras(cell: str):
    rng = np.random.default_rng(0)
    given = tf.constant(rng.normal(size=(ROWS, STEPS, WIDTH)).astype("f"))
    looked_at = tf.constant(rng.normal(size=(ROWS, STEPS, UNITS)).astype("f"))
    ours = Recurrent(cell, WIDTH, UNITS, seed=3)
    theirs = twin(ours, cell)
    with tf.GradientTape() as tape:
        tape.watch(given)
        states = tf.transpose(ours(tf.transpose(given, [1, 0, 2])), [1, 0, 2])
        value = tf.reduce_sum(states * looked_at)
    found: Any = tape.gradient(value, [given, *(variable.value for variable in ours.trainable_variables)])
    with tf.GradientTape() as tape:
        tape.watch(given)
        expected_states = theirs(given)
        value = tf.reduce_sum(expected_states * looked_at)
    expected: Any = tape.gradient(value, [given, *(variable.value for variable in theirs.trainable_variables)])
    assert states.numpy() == pytest.approx(expected_states.numpy(), abs=1e-6)
    for a, b in zip(found, expected, strict=True):
        wanted = b.numpy()
        if cell == "lstm" and a is not found[0]:
            wanted = swapped(wanted)
        wanted = wanted[0] if wanted.ndim > a.shape.rank else wanted  # Keras's GRU has a second bias
        assert a.numpy() == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_code_that_is_repeated_gives_what_it_would_as_an_input(cell: str):
    layer = Recurrent(cell, WIDTH, UNITS, seed=1)
    code = tf.constant(np.random.default_rng(0).normal(size=(ROWS, WIDTH)).astype("f"))
    repeated = layer.repeat(code, tf.constant(STEPS)).numpy()
    assert repeated == pytest.approx(layer(tf.tile(code[None], [STEPS, 1, 1])).numpy(), abs=1e-6)
