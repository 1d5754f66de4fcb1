"""A corpus and its figures, the cache, vocabularies."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from aecore.datasets import CORPORA, DATASETS, info, load, names, status
from aecore.datasets.text import (
    Corpus,
    Vocabulary,
    add_text,
    coverage_curve,
    frequent_words,
    lengths,
    load_corpus,
    sentence_ids,
    tokenize,
)
from aecore.datasets.text.corpus import Document, Sentences, build
from aecore.datasets.text.statistics import corpus_statistics
from aecore.datasets.text.tokenizing import Splitter
from aecore.errors import BadInput, StorageError
from aecore.settings import Settings

PLAIN = Splitter(lambda text: [text], "none")
TEXT = "".join(f"Today the rain of day {day} falls on the über-old hills.\n" for day in range(40))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", keras_dir=tmp_path / "keras")


def small() -> Corpus:
    documents = [
        Document(["The cat sat.", "A dog sat on the cat."], ("pets", "rest")),
        Document([], ("nothing",)),
        Document(["Ça va 12 fois."]),
        Document(["The end."], ("rest",)),
    ]
    return build("small", "Small", documents, PLAIN)


def test_a_corpus_is_what_its_documents_say():
    corpus = small()
    assert list(corpus.sentences) == ["The cat sat.", "A dog sat on the cat.", "Ça va 12 fois.", "The end."]
    assert corpus.documents.tolist() == [0, 0, 2, 3]
    assert corpus.topic_names == ("pets", "rest", "nothing")
    assert [corpus.topics_of(i) for i in range(len(corpus))] == [(0, 1), (0, 1), (), (1,)]
    assert corpus.words[:4] == (".", "the", "cat", "sat"), "by frequency, then by first appearance"
    assert corpus.counts[:4].tolist() == [4, 3, 2, 2]
    for i, sentence in enumerate(corpus.sentences):
        tokens = corpus.token_ids[corpus.starts[i] : corpus.starts[i + 1]]
        assert [corpus.words[token] for token in tokens] == tokenize(sentence)
    assert (corpus.documents.dtype, corpus.token_ids.dtype, corpus.starts.dtype) == (np.int32, np.int32, np.int64)
    with pytest.raises(ValueError, match="read-only"):
        corpus.token_ids[0] = 1


def test_the_same_text_has_the_same_fingerprint():
    assert small().fingerprint == small().fingerprint
    other = build("small", "Small", [Document(["The cat sat!"])], PLAIN)
    assert other.fingerprint != small().fingerprint


def test_sentences_behave_as_a_list():
    held = Sentences.of(["", "naïve", "日本", ""])
    assert held[1] == "naïve"
    assert held[-2] == "日本"
    assert held[1:3] == ["naïve", "日本"]
    assert len(held) == 4
    assert held.characters().tolist() == [0, 5, 2, 0]
    with pytest.raises(IndexError):
        held[4]


def test_metrics():
    found = corpus_statistics(small(), vocabulary=4)
    assert found == {
        "sentences": 4, "characters_min": 8, "characters_max": 21, "characters_mean": 13.75, "characters_median": 13.0,
        "words": 12, "tokens": 19, "coverage": 7 / 19, "documents": 4, "topics": 3, "tokens_median": 4.5,
    }  # fmt: skip
    json.dumps(found)
    assert corpus_statistics(small())["coverage"] == 1.0
    assert lengths(small()).tolist() == [4, 7, 5, 3]
    assert frequent_words(small(), 2) == [(".", 4), ("the", 3)]
    sizes, shares = coverage_curve(small())
    assert (sizes[0], sizes[-1]) == (1, 12)
    assert (shares[0], shares[-1]) == (4 / 19, 1.0)
    assert (np.diff(shares) > 0).all()


# Names


def test_names_of_both_kinds(settings: Settings):
    assert names("images", settings) == list(DATASETS)
    assert names("sentences", settings) == list(CORPORA) == ["python-docs", "reuters"]
    name = add_text("b.txt", TEXT.encode(), settings)
    first = add_text("a.txt", TEXT.encode(), settings)
    assert names("sentences", settings) == ["python-docs", "reuters", first, name]


@pytest.mark.parametrize("name", CORPORA)
def test_status_of_a_corpus(settings: Settings, name: str):
    found = status(name, settings)
    assert info(name).modality == found.modality == "sentences"
    assert (found.train_size, found.test_size, found.image_shape) == (0, 0, ())
    assert found.available == (name == "python-docs")
    assert json.loads(json.dumps(found.as_json())) == found.as_json()
    assert status("digits", settings).modality == "images"


def test_images_and_sentences_are_not_mixed_up(settings: Settings):
    with pytest.raises(BadInput, match=r"reuters holds sentences, not images; those with images are digits, mnist"):
        load("reuters", settings)
    with pytest.raises(BadInput, match=r"mnist holds images, not sentences; those with sentences are python-docs"):
        load_corpus("mnist", settings)
    for name in ("war-and-peace", "text-gone-123456"):
        with pytest.raises(BadInput, match=f"There is no dataset '{name}'; the datasets are digits, .*, reuters"):
            load_corpus(name, settings)


# The cache


@pytest.fixture
def own(settings: Settings) -> Iterator[str]:
    yield add_text("rain.txt", TEXT.encode(), settings)
    forget()


def forget() -> None:
    """Empties the memory, so that the cache on disk is read."""
    from aecore.datasets.text import library

    library._CORPORA.clear()


def cached(settings: Settings) -> Path:
    (path,) = (settings.home / "cache/corpora").iterdir()
    return path


def same(left: Corpus, right: Corpus) -> bool:
    fields = ("name", "title", "words", "topic_names", "sentence_splitter", "fingerprint")
    arrays = ("documents", "topic_ids", "topic_starts", "counts", "token_ids", "starts")
    return (
        all(getattr(left, field) == getattr(right, field) for field in fields)
        and all(np.array_equal(getattr(left, name), getattr(right, name)) for name in arrays)
        and list(left.sentences) == list(right.sentences)
    )


def test_a_corpus_is_read_once(settings: Settings, own: str, monkeypatch: pytest.MonkeyPatch):
    reported: list[tuple[float, str]] = []
    corpus = load_corpus(own, settings, lambda share, what: reported.append((share, what)))
    assert len(reported) > 3
    assert [share for share, _ in reported] == sorted(share for share, _ in reported)
    assert reported[-1][0] == 1.0
    assert load_corpus(own, settings) is corpus
    forget()
    monkeypatch.setattr("aecore.datasets.text.library.build", None)
    again = load_corpus(own, settings)
    assert again is not corpus
    assert same(again, corpus)


@pytest.mark.parametrize("damage", ["empty", "text", "truncated", "flipped", "another"])
def test_a_damaged_cache_is_made_again(settings: Settings, own: str, damage: str):
    corpus = load_corpus(own, settings)
    path = cached(settings)
    whole = path.read_bytes()
    content = bytearray(whole)
    if damage == "another":
        np.savez(path.with_suffix(""), words=np.zeros(3, np.uint8))
    else:
        content[len(content) // 2] ^= 0xFF
        path.write_bytes({"empty": b"", "text": b"<html>", "truncated": bytes(content[: len(content) // 2])}.get(
            damage, bytes(content)))  # fmt: skip
    forget()
    assert same(load_corpus(own, settings), corpus)
    assert path.read_bytes() == whole
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_pickles_in_the_cache_are_never_run(settings: Settings, own: str, tmp_path: Path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "trapped",)

    corpus = load_corpus(own, settings)
    with cached(settings).open("wb") as file:
        np.savez(file, allow_pickle=True, words=np.array([Trap()], dtype=object))
    forget()
    assert same(load_corpus(own, settings), corpus)
    assert not (tmp_path / "trapped").exists()


def test_a_cache_that_cannot_be_written_is_reported(settings: Settings, own: str):
    (settings.home / "cache").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="set AECORE_HOME to a folder that can be written to"):
        load_corpus(own, settings)


def test_what_was_split_by_a_trained_model_is_split_anew_once_nltk_s_is_there(
    settings: Settings, own: str, monkeypatch: pytest.MonkeyPatch, no_punkt: None
):
    assert "trained" in load_corpus(own, settings).sentence_splitter
    forget()
    punkt = Splitter(lambda text: [text], "NLTK's")
    monkeypatch.setattr("aecore.datasets.text.library.has_punkt", lambda settings: True)
    monkeypatch.setattr("aecore.datasets.text.library.splitter", lambda settings, sample: punkt)
    assert load_corpus(own, settings).sentence_splitter == "NLTK's"


# Vocabularies


def test_vocabulary():
    corpus = small()
    vocabulary = Vocabulary.of(corpus, 6)
    assert vocabulary.words == ("PAD", "UNK", ".", "the", "cat", "sat")
    assert vocabulary.ids("The PAD cat ran.", 8).tolist() == [3, 1, 4, 1, 2, 0, 0, 0]
    assert vocabulary.ids("the the the", 2).tolist() == [3, 3]
    assert vocabulary.ids("", 2).tolist() == [0, 0]
    assert vocabulary.ids("a", 3).dtype == np.uint16
    assert len(Vocabulary.of(corpus, 5000)) == 14, "no more words than there are"


@pytest.mark.parametrize("length", [1, 4, 50])
def test_sentence_ids_are_those_of_each_sentence(length: int):
    corpus = small()
    vocabulary = Vocabulary.of(corpus, 7)
    ids = sentence_ids(corpus, vocabulary, length)
    assert (ids.shape, ids.dtype) == ((4, length), np.uint16)
    assert np.array_equal(ids, [vocabulary.ids(sentence, length) for sentence in corpus.sentences])


def test_vocabulary_makes_the_round_trip():
    vocabulary = Vocabulary.of(small(), 100)
    packed = vocabulary.pack()
    assert packed.dtype == np.uint8
    assert Vocabulary.unpack(packed) == vocabulary
    for broken in (np.array([255, 254], np.uint8), packed[5:], np.zeros(0, np.uint8)):
        with pytest.raises(BadInput):
            Vocabulary.unpack(broken)


@pytest.mark.parametrize("size", [0, 2, 65_537])
def test_vocabulary_of_an_impossible_size(size: int):
    with pytest.raises(BadInput, match=f"from 3 to 65536; received '{size}'"):
        Vocabulary.of(small(), size)
