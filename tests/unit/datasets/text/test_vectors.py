"""Word vectors: GloVe files found, read and added, vectors made from a corpus, and the words without one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aecore.datasets.text import (
    Corpus,
    Vocabulary,
    add_glove,
    glove_status,
    have_glove,
    word_vectors,
)
from aecore.datasets.text.cooccurrence import GLOVE_SQUARE, corpus_vectors
from aecore.datasets.text.corpus import Document, build
from aecore.datasets.text.glove import glove_path, glove_vectors
from aecore.datasets.text.tokenizing import Splitter
from aecore.errors import BadInput, DataMissing, StorageError
from aecore.settings import Settings

SIZE = 50


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", data_dir=tmp_path / "data", keras_dir=tmp_path / "keras")


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Animals stand among animals, colours among colours."""
    draw = np.random.default_rng(0)
    animals, colours = ([f"{kind}{i}" for i in "abcdefghijklmnopqrstuvwxyzäöüßàáâãåæ"] for kind in ("pet", "hue"))
    sentences = [" ".join(draw.choice(words, 8)) for _ in range(600) for words in (animals, colours)]
    return build("zoo", "Zoo", [Document(sentences)], Splitter(lambda text: [text], "none"))


def rows(words: str, size: int = SIZE, value: float = 0.5) -> str:
    return "".join(f"{word} {' '.join([str(value * (i + 1))] * size)}\n" for i, word in enumerate(words.split()))


def put(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# GloVe's files


def test_the_published_file_comes_before_one_with_more_in_its_name(settings: Settings, tmp_path: Path):
    assert glove_path(SIZE, settings) is None
    assert not have_glove(SIZE, settings)
    part = put(tmp_path / "data/glove.6B.50d.head.txt", rows("a"))
    put(tmp_path / "data/glove.6B.100d.txt", rows("a", 100))
    assert glove_path(SIZE, settings) == part
    whole = put(settings.download_dir / "glove.6B.50d.txt", rows("a"))
    assert glove_path(SIZE, settings) == whole
    assert glove_status(SIZE, settings).where == str(whole)
    assert not glove_status(200, settings).available
    assert "Download glove.6B.zip (862 MB)" in glove_status(200, settings).how


def test_only_the_rows_of_the_vocabulary_are_kept(tmp_path: Path):
    vocabulary = Vocabulary(("PAD", "UNK", "rain", "sun", "schnee"))
    path = put(tmp_path / "v.txt", rows("the rain PAD UNK schnee naïve"))
    table, known = glove_vectors(path, vocabulary, SIZE)
    assert (table.shape, table.dtype) == ((5, SIZE), np.float32)
    assert known.tolist() == [False, False, True, False, True]
    assert table[:, 0].tolist() == [0, 0, 1.0, 0, 2.5]


BROKEN = [
    (rows("a b") + "c " + "0.5 " * 49 + "\n", "line 3, has to hold a word and 50 numbers; received 49 numbers"),
    (rows("a") + "c " + "0.5 " * 51 + "\n", "line 2, has to hold a word and 50 numbers; received 51 numbers"),
    (rows("a") + "\n" + rows("b"), "line 2, has to hold a word and 50 numbers; received 0 numbers"),
    (rows("a") + "rain " + "0.5 " * 49 + "x\n", "line 2, has to hold numbers; received 'x'"),
    (rows("a") + "other " + "0.5 " * 49 + "x\n", "line 2, has to hold numbers; received 'x'"),
    (rows("a") + "rain " + "0.5 " * 49 + "1.2.3\n", "line 2, has to hold numbers; received '1.2.3'"),
    (rows("a") + "rain " + "0.5 " * 49 + "nan\n", "line 2, has to hold numbers; received 'nan'"),
    (rows("a") + "rain " + "0.5 " * 49 + "1e99\n", "line 2, has to hold numbers; received 'a number out of range'"),
    (rows("a") + "b" * 1_500_000 + "\n", "line 2, is longer than 1 MB"),
]


@pytest.mark.parametrize(("content", "reported"), BROKEN)
def test_a_broken_file_is_refused_with_its_line(tmp_path: Path, content: str, reported: str):
    with pytest.raises(BadInput) as caught:
        glove_vectors(put(tmp_path / "v.txt", content), Vocabulary(("PAD", "UNK", "rain")), SIZE)
    assert str(caught.value).startswith(f"v.txt, {reported}")


def test_an_empty_or_missing_file(tmp_path: Path):
    vocabulary = Vocabulary(("PAD", "UNK", "rain"))
    with pytest.raises(BadInput, match=r"v\.txt is empty"):
        glove_vectors(put(tmp_path / "v.txt", ""), vocabulary, SIZE)
    with pytest.raises(DataMissing, match="cannot be read"):
        glove_vectors(tmp_path / "none.txt", vocabulary, SIZE)


# Added by hand


@pytest.mark.parametrize("by_path", [False, True])
def test_added_vectors_are_found(settings: Settings, tmp_path: Path, by_path: bool):
    content = rows("rain", 60)
    given = put(tmp_path / "mine.txt", content) if by_path else content.encode()
    assert add_glove("mine.txt", given, settings) == "glove-60"
    path = glove_path(60, settings)
    assert path is not None
    assert path.parent == settings.home / "vectors"
    assert path.read_text() == content
    add_glove("mine.txt", rows("snow", 60).encode(), settings)
    assert [file.name for file in path.parent.iterdir()] == [path.name], "the new one takes the place of the old"


@pytest.mark.parametrize(
    ("filename", "content", "reported"),
    [
        ("v.bin", rows("a"), "are a .txt file such as glove.6B.50d.txt; received 'v.bin'"),
        ("v.txt", "", "'v.txt' holds no word vectors"),
        ("v.txt", "A text. It has no numbers.", "has to be a word and 50 to 300 numbers"),
        ("v.txt", rows("a", 49), "has to be a word and 50 to 300 numbers"),
        ("v.txt", rows("a", 301), "has to be a word and 50 to 300 numbers"),
        ("v.txt", "2440 50\n" + rows("a"), "has to be a word and 50 to 300 numbers"),
        *((("v.txt", content, reported)) for content, reported in BROKEN),
    ],
)
def test_what_cannot_be_added(settings: Settings, filename: str, content: str, reported: str):
    with pytest.raises(BadInput) as caught:
        add_glove(filename, content.encode(), settings)
    assert reported in str(caught.value)
    assert not list((settings.home / "vectors").glob("*")) if settings.home.exists() else True


def test_nowhere_to_put_them(settings: Settings):
    settings.home.write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="set AECORE_HOME"):
        add_glove("v.txt", rows("a").encode(), settings)


# From a corpus


def test_words_that_stand_together_lie_together(corpus: Corpus):
    vocabulary = Vocabulary.of(corpus, 1000)
    reported: list[float] = []
    table, known = corpus_vectors(corpus, vocabulary, 8, lambda share, what: reported.append(share))
    assert (table.shape, table.dtype) == ((len(vocabulary), 8), np.float32)
    assert known.tolist() == [False, False, *[True] * (len(vocabulary) - 2)]
    assert np.mean(table[known] ** 2) == pytest.approx(GLOVE_SQUARE, rel=1e-4)
    unit = table[2:] / np.linalg.norm(table[2:], axis=1, keepdims=True)
    pets = np.array([word.startswith("pet") for word in vocabulary.words[2:]])
    near = unit @ unit.T
    assert near[pets][:, pets].mean() > near[pets][:, ~pets].mean() + 0.2
    assert reported == sorted(reported)
    assert len(reported) > 4
    again, _ = corpus_vectors(corpus, vocabulary, 8)
    assert np.array_equal(table, again)


def test_too_few_words(corpus: Corpus):
    with pytest.raises(BadInput, match=r"Vectors of 50 numbers need more than 50 words that stand near others; .* 18"):
        corpus_vectors(corpus, Vocabulary.of(corpus, 20), 50)


# For a model


def vectors(corpus: Corpus, settings: Settings, **changed: Any):
    arguments: dict[str, Any] = {"origin": "corpus", "size": 8, "missing": "zero", "seed": 0, "settings": settings}
    return word_vectors(corpus=corpus, vocabulary=Vocabulary.of(corpus, 40), **(arguments | changed))


def test_vectors_are_kept_and_made_again_when_damaged(
    corpus: Corpus, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    first = vectors(corpus, settings)
    assert first.covered == pytest.approx(corpus.counts[:38].sum() / corpus.counts.sum())
    assert "this text itself" in first.source
    (path,) = (settings.home / "cache/vectors").iterdir()
    path.write_bytes(path.read_bytes()[:100])
    assert np.array_equal(vectors(corpus, settings).table, first.table)
    np.savez(path, table=np.zeros((3, 8), np.float32), known=np.ones(3, bool))
    assert np.array_equal(vectors(corpus, settings).table, first.table)
    monkeypatch.setattr("aecore.datasets.text.vectors.corpus_vectors", None)
    assert np.array_equal(vectors(corpus, settings).table, first.table)
    with pytest.raises(ValueError, match="read-only"):
        first.table[0] = 1


def test_glove_and_words_without_a_vector(corpus: Corpus, settings: Settings, tmp_path: Path):
    words = corpus.words[:3]
    put(tmp_path / "data/glove.6B.50d.txt", rows(" ".join(["the", *words])))
    zero = vectors(corpus, settings, origin="glove", size=SIZE)
    assert zero.known.nonzero()[0].tolist() == [2, 3, 4]
    assert zero.covered == pytest.approx(corpus.counts[:3].sum() / corpus.counts.sum())
    assert zero.source == "GloVe (glove.6B.50d.txt)"
    assert zero.table[2:5, 0].tolist() == [1.0, 1.5, 2.0]
    assert not zero.table[[0, 1, 5, 39]].any()
    drawn = vectors(corpus, settings, origin="glove", size=SIZE, missing="random")
    assert np.array_equal(drawn.table[2:5], zero.table[2:5])
    assert not drawn.table[0].any(), "padding stays zero"
    assert drawn.table[1].all(), "UNK has no vector"
    assert drawn.table[5:].std() == pytest.approx(zero.table[2:5].std(), rel=0.1)
    assert drawn.table.dtype == np.float32
    same = vectors(corpus, settings, origin="glove", size=SIZE, missing="random")
    assert np.array_equal(same.table, drawn.table)
    other = vectors(corpus, settings, origin="glove", size=SIZE, missing="random", seed=1)
    assert not np.array_equal(other.table, drawn.table)


def test_a_replaced_file_is_read_again(corpus: Corpus, settings: Settings, tmp_path: Path):
    put(tmp_path / "data/glove.6B.50d.txt", rows(corpus.words[0]))
    assert vectors(corpus, settings, origin="glove", size=SIZE).known.sum() == 1
    put(tmp_path / "data/glove.6B.50d.txt", rows(" ".join(corpus.words[:2])))
    assert vectors(corpus, settings, origin="glove", size=SIZE).known.sum() == 2


def test_a_file_without_any_of_the_words(corpus: Corpus, settings: Settings, tmp_path: Path):
    put(tmp_path / "data/glove.6B.50d.txt", rows("nothing fits"))
    found = vectors(corpus, settings, origin="glove", size=SIZE, missing="random")
    assert found.covered == 0.0
    assert np.mean(found.table[1:] ** 2) == pytest.approx(GLOVE_SQUARE, rel=0.1)


@pytest.mark.parametrize(
    ("changed", "reported"),
    [
        ({"origin": "word2vec"}, "Word vectors are glove or corpus; received 'word2vec'"),
        ({"missing": "mean"}, "zero or random numbers; received 'mean'"),
        ({"size": 300}, "Vectors of 300 numbers need more than 300 words"),
    ],
)
def test_what_cannot_be_asked_for(corpus: Corpus, settings: Settings, changed: dict[str, Any], reported: str):
    with pytest.raises(BadInput, match=reported):
        vectors(corpus, settings, **changed)


def test_glove_that_is_not_here(corpus: Corpus, settings: Settings):
    with pytest.raises(DataMissing, match=r"put glove\.6B\.50d\.txt into .*, or use vectors made from the text itself"):
        vectors(corpus, settings, origin="glove", size=SIZE)
