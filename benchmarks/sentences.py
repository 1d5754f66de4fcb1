"""Sentences a second of the sentence autoencoder beside Keras's `fit` with the same layers."""

import time
from collections.abc import Callable
from dataclasses import replace

from aecore.datasets import status
from aecore.datasets.text.prepared import Text, text_of
from aecore.schema import RunConfig
from aecore.schema.sentence import Sentence
from aecore.settings import Settings

TRAIN, HELD_OUT = 6_400, 640
CODE = 128


def cases() -> list[tuple[str, RunConfig]]:
    """The book's settings with a code of 128, and the preset `best`."""
    corpus = _corpus()
    shared = {"vectors": "corpus", "epochs": 1000}
    return [
        ("book", RunConfig.make("sentence", corpus, "book", {"code_size": CODE, **shared})),
        ("best", RunConfig.make("sentence", corpus, "best", shared)),
    ]


def text(config: RunConfig) -> Text:
    """So many sentences that an epoch takes seconds."""
    whole = text_of(config, Settings.from_env())
    return replace(whole, train=whole.train[:TRAIN], test=whole.test[:HELD_OUT])


def fit(hyper: Sentence, data: Text) -> Callable[[], float]:
    """Keras's own layers and loop for the book's settings, on word vectors that are looked up beforehand."""
    import keras

    layers, shape = keras.layers, (hyper.length, hyper.vector_size)
    model = keras.Sequential(
        [
            keras.Input(shape),
            layers.Bidirectional(layers.LSTM(hyper.code_size), merge_mode="sum"),
            layers.RepeatVector(hyper.length),
            layers.Bidirectional(layers.LSTM(hyper.vector_size, return_sequences=True), merge_mode="sum"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(hyper.learning_rate), loss="mse")
    train, test = (data.vectors.table[data.ids[rows]] for rows in (data.train, data.test))

    def one_epoch() -> float:
        begun = time.perf_counter()
        model.fit(train, train, batch_size=hyper.batch_size, epochs=1, verbose=0, validation_data=(test, test))
        return time.perf_counter() - begun

    return one_epoch


def _corpus() -> str:
    return "reuters" if status("reuters", Settings.from_env()).available else "python-docs"
