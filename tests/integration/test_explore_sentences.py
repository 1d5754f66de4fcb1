"""What the page Sentences asks, of a run that was really trained."""

from collections.abc import Iterator

import numpy as np
import pytest

from aecore.analysis.similarity import cosine
from aecore.compute.backend import InProcess
from aecore.errors import BadInput
from aecore.explore.sentences import CODES, LATENT, MEANS, PAD
from aecore.messages.jobs import DECODE
from aecore.runs.background import TaskStatus
from aecore.service import Service
from aecore.settings import Settings
from tests.integration.live import wait_for
from tests.sentences import LENGTH, TOPICS, trained

DOG = ("the dog bit the man", "the man bit the dog")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AECORE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("AECORE_DATA_DIR", raising=False)
        for objective in ("mse", "words"):
            trained(objective=objective)
        service = Service(Settings.from_env(), InProcess())
        yield service
        service.close()


@pytest.fixture
def names(service: Service) -> dict[str, str]:
    return {run.config.sentence_hyper.objective: run.id for run in service.runs.all()}


def test_neighbours_are_the_nearest_held_out_sentences(service: Service, names: dict[str, str]):
    name = names["words"]
    searched = service.sentences.searched(name)
    assert searched.held_out
    assert searched.total == len(searched.texts) == 120
    asked = searched.texts[3]
    found = service.sentences.neighbours(name, asked, 4)
    assert set(found) == {CODES, MEANS, LATENT}
    for representation, near in found.items():
        vectors = searched.vectors[representation]
        every = cosine(np.repeat(vectors[3:4], len(vectors), 0), vectors)
        every[[text == asked for text in searched.texts]] = -2
        assert [one.cosine for one in near] == pytest.approx(np.sort(every)[::-1][:4].tolist(), abs=1e-5)
        assert asked not in [one.sentence for one in near]
        topics = [topic for topic, words in TOPICS.items() if any(f" {word} " in near[0].sentence for word in words)]
        assert near[0].topics == tuple(topics)


def test_the_mean_of_word_vectors_knows_no_order(service: Service, names: dict[str, str]):
    for name in names.values():
        (pair,) = service.sentences.likeness(name, [DOG])
        assert pair[MEANS] == 1
        assert pair[LATENT] == 1
        codes = pair[CODES]
        assert codes is not None
        assert codes < 1


def test_unknown_words_are_named_and_cannot_be_compared(service: Service, names: dict[str, str]):
    reader = service.sentences.reader(names["words"])
    assert reader.unknown("The xyzzy bit the plugh, xyzzy") == ["xyzzy", "plugh", ","]
    assert reader.left_out("the dog " * LENGTH) == LENGTH
    (pair,) = service.sentences.likeness(names["words"], [("xyzzy plugh", "the dog")])
    assert pair[MEANS] is pair[LATENT] is None
    found = service.sentences.neighbours(names["words"], "xyzzy")
    assert found[MEANS] == found[LATENT] == []
    with pytest.raises(BadInput, match="needs a word"):
        service.sentences.neighbours(names["words"], "   ")


def test_a_line_begins_and_ends_with_what_the_model_makes_of_the_two(service: Service, names: dict[str, str]):
    longer = "the cat saw the horse word1 ."
    for objective, name in names.items():
        line = service.sentences.between(name, DOG[0], longer, 5)
        assert line.shares.tolist() == [0, 0.25, 0.5, 0.75, 1]
        ends = service.sentences.vectors(name, line.ids)[CODES]
        alone = service.runs.infer(name, DECODE, codes=ends)["words"]
        lengths = (line.words != PAD).sum(axis=1)
        for k, row in ((0, 0), (-1, 1)):
            assert line.words[k][: lengths[k]].tolist() == alone[row][: lengths[k]].tolist()
        if objective == "mse":
            assert lengths.tolist() == [5, 6, 6, 6, 7]
        assert all((row[size:] == PAD).all() for row, size in zip(line.words, lengths, strict=True))


def test_the_map_shows_sentences_with_their_topics(service: Service, names: dict[str, str]):
    found = service.sentences.map(names["words"])
    assert found is not None
    assert found.texts is not None
    assert found.places.shape == (120, 2)
    for text, label in list(zip(found.texts, found.labels, strict=True))[:20]:
        assert any(f" {word} " in text for word in TOPICS[found.names[label]])
    means = service.sentences.map(names["words"], representation=MEANS)
    assert means is not None
    assert not np.allclose(means.places, found.places)


def test_a_run_outlives_its_corpus(service: Service, names: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    name = names["words"]
    fresh = Service(service.settings, InProcess())
    other = fresh.data.add_text("other.txt", b"\n\n".join(b"A cat sat on mat %d." % k for k in range(40)))
    monkeypatch.setattr("aecore.explore.sentences.PYTHON_DOCS", other)
    with monkeypatch.context() as patch:
        patch.setattr(fresh.data, "dataset", lambda dataset: service.data.dataset("reuters"))  # which is not here
        searched = fresh.sentences.searched(name)
        assert not searched.held_out
        assert searched.title == "other.txt"
        found = fresh.sentences.map(name)
        assert found is not None
        assert found.texts is None
        with pytest.raises(BadInput, match="not on this machine"):
            fresh.sentences.map(name, representation=MEANS)
    fresh.close()


def test_a_corpus_is_read_in_the_background(service: Service, names: dict[str, str]):
    dataset = service.runs.run(names["words"]).config.dataset
    assert service.corpora.report(dataset) is None
    service.corpora.prepare(dataset)

    def ended() -> TaskStatus | None:
        now = service.corpora.status(dataset)
        return None if now is None or now.active else now

    status = wait_for(ended, "The corpus is still being read")
    assert status is not None
    assert (status.active, status.error) == (False, "")
    report = service.corpora.report(dataset)
    assert report is not None
    assert report.statistics["sentences"] == 400
    assert report.lengths.sum() + report.longer == 400
    assert report.coverage[-1] == 1
    assert report.words[0] == ("the", 800)
    assert report.vectors == {"made from the text itself": pytest.approx(1.0)}
    with pytest.raises(BadInput, match="There is no dataset"):
        service.corpora.prepare("nope")
