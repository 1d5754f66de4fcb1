"""A small corpus with topics, and a run trained on it within seconds."""

import csv
import io

import numpy as np

from aecore.compute.backend import InProcess
from aecore.messages.events import Finished
from aecore.schema import RunConfig
from aecore.service import Service
from aecore.settings import Settings

LENGTH = 8
SMALL = {
    "vocabulary": 200, "length": LENGTH, "vectors": "corpus", "cell": "gru", "code_size": 16, "decoder_size": 16,
    "both_ways": False, "objective": "words", "negatives": 50, "masked": True, "learning_rate": 0.01, "batch_size": 64,
    "epochs": 2,
}  # fmt: skip
TOPICS = {
    "animals": ("dog", "man", "cat", "horse", "bird", "fish", "cow", "sheep", "goat", "mouse"),
    "trade": ("bank", "company", "market", "price", "share", "profit", "loss", "oil", "dollar", "grain"),
}
VERBS = ("bit", "saw", "bought", "found", "left", "met", "took", "held", "lost", "knew")
EXTRA = [f"word{k}" for k in range(50)]  # vectors of 50 numbers need as many words


def corpus(sentences: int = 400) -> bytes:
    """A CSV whose rows are sentences with a topic."""
    rng, file = np.random.default_rng(0), io.StringIO()
    rows = csv.writer(file)
    rows.writerow(["text", "topic"])
    for k in range(sentences):
        topic = list(TOPICS)[k % 2]
        one, other = rng.choice(TOPICS[topic], 2)
        rows.writerow([f"The {one} {rng.choice(VERBS)} the {other} {rng.choice(EXTRA)}.", topic])
    return file.getvalue().encode()


def trained(**values: object) -> str:
    """Trains a run in this process, in the home that the environment names; returns its name."""
    service = Service(Settings.from_env(), InProcess())
    try:
        dataset = service.data.add_text("little.csv", corpus())
        ran = list(service.runs.watch(RunConfig.make("sentence", dataset, None, {**SMALL, **values})))
        assert isinstance(ran[-1][1], Finished)
        assert ran[-1][1].status == "finished"
        return ran[-1][0]
    finally:
        service.close()
