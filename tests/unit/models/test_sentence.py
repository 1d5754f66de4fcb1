"""The sentence autoencoder: its fields, what it reads, and what it writes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from aecore.datasets.text.own import add_text
from aecore.datasets.text.prepared import resolved, split, text_of
from aecore.datasets.text.vocabulary import Vocabulary
from aecore.errors import BadInput
from aecore.models import build
from aecore.models.base import Batch
from aecore.models.sentence import SentenceAutoencoder
from aecore.schema import IMAGE_SHAPE, RunConfig, variant
from aecore.schema.sentence import Sentence
from aecore.settings import Settings
from aecore.training.sentence_data import SentenceData

LENGTH, WORDS = 9, 120
SMALL = {"vocabulary": WORDS, "length": LENGTH, "code_size": 6, "vectors": "corpus", "negatives": 20}
ROWS: Any = np.array([[5, 6, 7, 0, 0, 0, 0, 0, 0], [9, 8, 7, 6, 5, 4, 3, 2, 1]], np.int32)


def model(**values: Any) -> SentenceAutoencoder:
    """An untrained model with a random table."""
    made = build(Sentence.make(values={**SMALL, **values}), IMAGE_SHAPE)
    assert isinstance(made, SentenceAutoencoder)
    table = np.random.default_rng(0).normal(size=made.table.shape)
    table[0] = 0
    made.table.assign(table)
    return made


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"merge": "concat"},
        {"decoder_size": 7, "both_ways": False},
        {"positions": True},
        {"objective": "words", "masked": True, "decoder_size": 5},
    ],
    ids=lambda values: ",".join(values) or "book",
)
def test_the_number_of_parameters_is_known_beforehand(cell: str, values: dict):
    made = model(cell=cell, **values)
    assert made.hyper.parameters(IMAGE_SHAPE) == made.count_params()
    assert made.encode(ROWS).shape == (2, made.hyper.code_units)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_padding_is_not_read_where_it_is_left_out(cell: str):
    made = model(cell=cell, masked=True)
    short = made.encode(ROWS[:1, :3]).numpy()
    assert made.encode(ROWS).numpy()[:1] == pytest.approx(short, abs=1e-6)
    assert made.encode(ROWS[:1]).numpy() == pytest.approx(short, abs=1e-6)
    book = model(cell=cell)
    assert np.abs(book.encode(ROWS[:1]).numpy() - book.encode(ROWS[:1, :3]).numpy()).max() > 1e-3


def test_the_order_of_the_words_matters():
    made = model(masked=True)
    pair: Any = np.array([[5, 6, 7, 8], [5, 8, 7, 6]], np.int32)
    codes = made.encode(pair).numpy()
    assert np.abs(codes[0] - codes[1]).max() > 1e-3


@pytest.mark.parametrize("both_ways", [True, False])
def test_what_is_written_does_not_depend_on_how_far_it_is_read(both_ways: bool):
    made = model(both_ways=both_ways)
    codes = made.encode(ROWS)
    whole = made.write(codes, tf.constant(LENGTH)).numpy()
    assert made.write(codes, tf.constant(4)).numpy() == pytest.approx(whole[:, :4], abs=1e-6)


@pytest.mark.parametrize("objective", ["mse", "cosine", "words"])
def test_perfect_vectors_have_the_smallest_error_and_are_named(objective: str):
    made = model(objective=objective, masked=True, vocabulary=WORDS)
    table = np.asarray(made.table) * (20 if objective == "words" else 1)
    right: Any = table[ROWS].astype(np.float32)
    wrong: Any = table[np.roll(ROWS, 1, axis=1)].astype(np.float32)
    seed = tf.constant([1, 2])
    ids = tf.constant(ROWS[1:])
    assert float(made.errors(ids, right[1:], seed)[0]) < float(made.errors(ids, wrong[1:], seed)[0])
    words, cosines = made.named(tf.constant(right[1:, :-1]))
    assert words.numpy()[0, :-1].tolist() == ROWS[1, :-2].tolist()
    assert cosines.numpy()[0, :-1] == pytest.approx(1, abs=1e-5)


def test_padding_does_not_count_where_it_is_left_out():
    made = model(masked=True)
    written: Any = np.random.default_rng(1).normal(size=(1, LENGTH, 50)).astype(np.float32)
    other = written.copy()
    other[:, 3:] += 10
    ids = tf.constant(ROWS[:1])
    assert made.errors(ids, written, None).numpy() == pytest.approx(made.errors(ids, other, None).numpy())
    assert model().errors(ids, written, None).numpy() != pytest.approx(model().errors(ids, other, None).numpy())


def test_the_sampled_cross_entropy_estimates_the_whole_one():
    made = model(objective="words", negatives=100, masked=True)
    written: Any = np.random.default_rng(1).normal(size=(2, LENGTH, 50)).astype(np.float32) * 0.1
    ids = tf.constant(ROWS)
    exact = made.errors(ids, written, None).numpy()
    drawn = np.mean([made.errors(ids, written, tf.constant([k, 0])).numpy() for k in range(40)], axis=0)
    assert drawn == pytest.approx(exact, rel=0.05)


def test_word_dropout_hides_words_in_training_alone():
    hyper = Sentence.make(values={**SMALL, "word_dropout": 0.5})
    ids, rows = tf.constant(np.tile(ROWS, (200, 1)).astype(np.uint16)), tf.range(400)
    clean, corrupted = (
        tensor.numpy() for tensor in SentenceData.train_batch(ids, rows, hyper, tf.constant([0, 1]), False)
    )
    hidden = (corrupted == 1) & (clean > 1)
    assert 0.4 < hidden[clean > 1].mean() < 0.6
    assert (corrupted[clean == 0] == 0).all(), "padding stays padding"
    assert np.array_equal(corrupted[~hidden], clean[~hidden])
    clean, corrupted = (tensor.numpy() for tensor in SentenceData.test_batch(ids, rows, hyper))
    assert np.array_equal(clean, corrupted)


def test_the_objective_is_trainable():
    made = model(objective="words", cell="gru", masked=True, decoder_size=8, both_ways=False)
    batch = Batch(tf.constant(ROWS), tf.constant(ROWS), tf.ones(2), tf.constant([0, 0]), tf.constant(0.0), made.hyper)
    with tf.GradientTape() as tape:
        loss = made.objective(batch, True)["loss"]
    gradients = tape.gradient(loss, [variable.value for variable in made.trainable_variables])
    assert all(gradient is not None for gradient in gradients)
    assert all(float(tf.reduce_max(tf.abs(tf.convert_to_tensor(g)))) > 0 for g in gradients[:3])


@pytest.mark.parametrize(
    ("values", "reported"),
    [
        ({"objective": "words", "negatives": 300, "vocabulary": 200}, "negatives takes fewer words than"),
        ({"vector_size": 40}, "vector_size takes a whole number from 50 to 300"),
        ({"held_out_share": 0.9}, "held_out_share takes a number from 0.05 to 0.5"),
    ],
)
def test_bad_values_are_reported(values: dict, reported: str):
    with pytest.raises(BadInput, match=reported):
        variant("sentence").make(None, values)


# Texts


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def stored(settings: Settings, sentences: int) -> str:
    rng = np.random.default_rng(0)
    names = [f"word{k}" for k in range(80)]
    lines = [" ".join(["The", *rng.choice(names, 4)]) for _ in range(sentences)]
    return add_text("text.txt", ".\n\n".join(lines).encode(), settings)


def test_auto_names_the_vectors_that_are_here(settings: Settings, tmp_path: Path):
    config = RunConfig.make("sentence", "python-docs", "book")
    assert config.sentence_hyper.vectors == "auto"
    assert resolved(config, settings).sentence_hyper.vectors == "corpus"
    (tmp_path / "data").mkdir()
    (tmp_path / "data/glove.6B.50d.txt").write_text("the " + " ".join(["0.1"] * 50) + "\n")
    with_glove = Settings(home=tmp_path / "home", data_dir=tmp_path / "data")
    assert resolved(config, with_glove).sentence_hyper.vectors == "glove"
    assert resolved(config.changed(vector_size=100), with_glove).sentence_hyper.vectors == "corpus"


@pytest.mark.parametrize("by", ["sentences", "documents"])
def test_held_out_sentences_are_the_same_in_every_run(settings: Settings, by: str):
    config = RunConfig.make("sentence", stored(settings, 400), None, {**SMALL, "split": by})
    text, again = text_of(config, settings), text_of(config.changed(seed=9, code_size=3), settings)
    assert np.array_equal(text.test, again.test)
    assert sorted([*text.train, *text.test]) == list(range(len(text.corpus)))
    assert len(text.test) == pytest.approx(0.3 * len(text.corpus), abs=3)
    train, test = split(text.corpus, "documents", 0.3)
    assert not set(text.corpus.documents[train]) & set(text.corpus.documents[test])


def test_a_short_text_is_refused_in_one_sentence(settings: Settings):
    config = RunConfig.make("sentence", stored(settings, 22), None, {**SMALL, "held_out_share": 0.1})
    with pytest.raises(BadInput, match="at least 10 are needed to train on and to measure"):
        text_of(config, settings)


def test_a_typed_sentence_is_read_like_those_of_the_corpus(settings: Settings):
    text = text_of(RunConfig.make("sentence", stored(settings, 400), None, SMALL), settings)
    vocabulary = Vocabulary.unpack(text.vocabulary.pack())
    for row in range(5):
        assert np.array_equal(vocabulary.ids(text.corpus.sentences[row], LENGTH), text.ids[row])
