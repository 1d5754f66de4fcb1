"""A sentence autoencoder on the real worker: trained, paused, resumed, asked."""

import numpy as np
import pytest

from aecore.datasets.text.own import add_text
from aecore.datasets.text.prepared import text_of
from aecore.datasets.text.vocabulary import Vocabulary
from aecore.errors import BadInput
from aecore.messages.jobs import DECODE, RECONSTRUCT
from aecore.schema import RunConfig, Speed
from aecore.service import Service
from aecore.settings import Settings
from tests.integration.live import ended, reaches

LENGTH = 8
SMALL = {
    "vocabulary": 200, "length": LENGTH, "vectors": "corpus", "cell": "gru", "code_size": 24, "decoder_size": 24,
    "positions": True, "both_ways": False, "objective": "words", "negatives": 50, "masked": True, "epochs": 60,
    "learning_rate": 0.01, "batch_size": 64,
}  # fmt: skip


@pytest.fixture
def text(service: Service) -> str:
    """A text of 600 sentences, on this side and on the worker's."""
    rng = np.random.default_rng(0)
    kinds = [[f"{kind}{k}" for k in range(20)] for kind in ("small", "dog", "bites")]
    lines = [" ".join(["the", *(str(rng.choice(words)) for words in kinds)]).capitalize() for _ in range(600)]
    data = ".\n\n".join(lines).encode()
    add_text("little.txt", data, Settings.from_env())
    return service.data.add_text("little.txt", data)


def test_it_learns_to_write_sentences_and_answers(service: Service, text: str):
    config = RunConfig.make("sentence", text, None, SMALL)
    name = service.runs.train(config, Speed(epochs_per_second=8.0))
    reaches(service, name, 3)
    service.runs.pause(name)
    ended(service, name, "paused")
    service.runs.resume(name, speed=Speed())
    run = ended(service, name, "finished")
    assert run.metrics["held_out_loss"] < run.metrics["frequency_loss"]
    assert run.metrics["word_accuracy"] > 3 * run.metrics["frequent_word_accuracy"]
    assert run.metrics["separation_auc"] > 0.9

    words, topics = service.runs.language(name)
    assert words[:2] == ("PAD", "UNK")
    assert topics == ("other or none",)
    vocabulary, data = Vocabulary(words), text_of(run.config, service.settings)
    ids = np.stack([vocabulary.ids(data.corpus.sentences[int(row)], LENGTH) for row in data.test[:50]]).astype(np.int32)
    answer = service.runs.infer(name, RECONSTRUCT, ids=ids)
    right = (answer["words"] == ids)[ids > 1].mean()
    assert right == pytest.approx(run.metrics["word_accuracy"], abs=0.15)
    again = service.runs.infer(name, DECODE, codes=answer["codes"])
    assert np.array_equal(again["words"], answer["words"])

    picture = service.runs.snapshot(name)
    assert picture is not None
    similarity = service.runs.kept(name, "similarity")
    assert similarity["own"].mean() == pytest.approx(run.metrics["cosine_mean"], abs=1e-3)
    assert {"random", "untrained", "untrained_random"} <= set(similarity)


def test_what_cannot_be_trained_leaves_no_run_behind(service: Service, text: str):
    known = service.runs.all()
    with pytest.raises(BadInput, match="sentence learns sentences, and digits holds images"):
        service.runs.train(RunConfig.make("sentence", "digits", None, SMALL))
    with pytest.raises(BadInput, match="vanilla learns images"):
        service.runs.train(RunConfig.make("vanilla", text))
    config = RunConfig.make("sentence", text, None, {**SMALL, "vector_size": 300})
    with pytest.raises(BadInput):  # too few words for vectors of this size
        service.runs.train(config)
    assert service.runs.all() == known
