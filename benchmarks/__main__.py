"""`python -m benchmarks`: seconds of an epoch beside Keras's `fit`, and a class that trains at once.

images, sentences: in the same process as `fit`. The two take turns, so that a machine that slows down slows both; the
medians are compared. Both measure the held-out images in every epoch, as a user would have it.
classroom: visitors who train a first model in the same second on a warm worker. beside: the same beside a convolutional
network on MNIST. memory: of the worker, while runs train one after another. sessions: visitors on all pages of a
dashboard in public, some of whom train. `--json` prints one object a line.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from aecore.datasets import Images, load
from aecore.errors import DataMissing
from aecore.messages.channel import Channel
from aecore.messages.events import Command, EpochDone, Event
from aecore.models import build
from aecore.schema import IMAGE_SHAPE, ImageConfig, RunConfig
from aecore.settings import Settings
from aecore.training.attempt import attempt
from aecore.training.device import find_device
from benchmarks import classroom, kills, sentences, sessions

BENCHMARKS = ("images", "sentences", "classroom", "beside", "memory", "kills", "sessions")
CASES = {"vanilla": "book", "stacked": "book", "denoising": "book"}


class Duel(Channel):
    """Lets the other side train an epoch after each of ours, and pauses the training when both have had enough.

    Args:
        other: trains one epoch and returns its seconds.
        epochs: that count, on each side, after one of warming up.
    """

    def __init__(self, other: Callable[[], float], epochs: int):
        super().__init__()
        self._other, self._epochs = other, epochs
        self.ours: list[float] = []
        self.theirs: list[float] = []

    def emit(self, event: Event) -> None:
        if isinstance(event, EpochDone):
            self.ours.append(event.seconds)
            self.theirs.append(self._other())
            if len(self.ours) > self._epochs:
                self.tell(Command(action="pause"))

    def row(self, model: str) -> dict[str, Any]:
        """The medians of both sides, in seconds, and their ratio."""
        ours, theirs = statistics.median(self.ours[1:]), statistics.median(self.theirs[1:])
        return {"model": model, "aecore": ours, "fit": theirs, "ratio": ours / theirs}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--epochs", type=int, default=5, help="epochs measured on each side, after one of warming up")
    parser.add_argument(
        "--visitors", type=int, default=30, help="classroom: how many press at once; sessions: how many come"
    )
    parser.add_argument(
        "--runs",
        type=int,
        default=100,
        help="memory: how many runs train one after another; kills: how many are killed",
    )
    parser.add_argument("--training", type=int, default=10, help="sessions: how many of the visitors train")
    parser.add_argument("--seconds", type=float, default=600.0, help="sessions: how long they stay")
    parser.add_argument("--reading", type=float, default=30.0, help="sessions: seconds that each stays on a page")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("what", nargs="*", default=["images", "sentences"], metavar="|".join(BENCHMARKS))
    options = parser.parse_args()
    unknown = [name for name in options.what if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark '{unknown[0]}'; there are {', '.join(BENCHMARKS)}")
    if {"images", "sentences"} & set(options.what):
        find_device()  # sets TensorFlow's threads, for both sides
    for row in _rows(options):
        print(json.dumps(row) if options.json else _line(row), flush=True)


def _line(row: dict[str, Any]) -> str:
    if "model" in row:
        return f"{row['model']:<16}{row['aecore']:>10.3f}{row['fit']:>10.3f}{row['ratio']:>10.2f}"
    return f"{row['what']:<44}{row['value']:>8.2f}  at most {row['most']:<6g}{row['note']}"


def _rows(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    if "classroom" in options.what:
        yield from classroom.rows(options.visitors)
    if "beside" in options.what:
        yield from classroom.rows(options.visitors, beside=True)
    if "memory" in options.what:
        yield from classroom.memory_rows(options.runs)
    if "kills" in options.what:
        yield from kills.rows(options.runs)
    if "sessions" in options.what:
        yield from sessions.rows(options.visitors, options.training, options.seconds, options.reading)
    if "images" in options.what:
        images, name = _images()
        _head(options, f"Seconds of an epoch on {name}, 60,000 images")
        for variant, preset in CASES.items():
            config = RunConfig.make(variant, "mnist", preset, {"epochs": 1000})
            duel = Duel(_fit(config.image_hyper, images), options.epochs)
            attempt(config, images, duel)
            yield duel.row(f"{variant} {preset}")
    if "sentences" in options.what:
        _head(options, f"Seconds for {sentences.TRAIN:,} sentences; fit is the textbook's model in both rows")
        book = sentences.cases()[0][1]
        for preset, config in sentences.cases():
            other = sentences.fit(book.sentence_hyper, sentences.text(book))
            duel = Duel(other, options.epochs)
            attempt(config, sentences.text(config), duel)
            yield duel.row(f"sentence {preset}")


def _head(options: argparse.Namespace, title: str) -> None:
    if not options.json:
        print(f"{title}; medians of {options.epochs}")
        print(f"{'model':<16}{'aecore':>10}{'fit':>10}{'ratio':>10}")


def _images() -> tuple[Images, str]:
    try:
        return load("mnist", Settings.from_env()), "MNIST"
    except DataMissing:
        rng = np.random.default_rng(0)
        pixels = rng.integers(0, 256, (70_000, *IMAGE_SHAPE), dtype=np.uint8)
        labels = rng.integers(0, 10, 70_000).astype(np.uint8)
        return Images(pixels[:60_000], labels[:60_000], pixels[60_000:], labels[60_000:]), "random images"


def _fit(hyper: ImageConfig, images: Images) -> Callable[[], float]:
    """Keras's own loop around the same model, on float arrays as in the textbook."""
    import keras

    model = build(hyper, IMAGE_SHAPE)
    fields = hyper.model_dump()
    loss = {"mse": "mse", "bce": "binary_crossentropy"}[fields["loss"]]
    model.compile(optimizer=keras.optimizers.Adam(fields["learning_rate"]), loss=loss)
    train, test = images.x_train.astype("float32") / 255, images.x_test.astype("float32") / 255
    rng = np.random.default_rng(0)
    noisy_train, noisy_test = train, test
    if hyper.noise == "gaussian":
        noisy_train = train + rng.normal(hyper.noise_mean, hyper.noise_std, train.shape).astype("float32")
        noisy_test = test + rng.normal(hyper.noise_mean, hyper.noise_std, test.shape).astype("float32")

    def one_epoch() -> float:
        begun = time.perf_counter()
        model.fit(noisy_train, train, batch_size=hyper.batch_size, epochs=1, verbose=0,
                  validation_data=(noisy_test, test))  # fmt: skip
        return time.perf_counter() - begun

    return one_epoch


if __name__ == "__main__":
    main()
