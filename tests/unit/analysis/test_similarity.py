"""Similarities, their controls and baselines, on sentences made by hand."""

import numpy as np
import pytest
from scipy import sparse

from aecore.analysis.similarity import (
    LatentWords,
    WordMeans,
    chance_agreement,
    cosine,
    nearest,
    separation,
    topic_agreement,
)

RNG = np.random.default_rng(0)
TABLE = np.vstack([np.zeros((1, 6)), RNG.normal(size=(9, 6))]).astype(np.float32)


def test_the_mean_of_word_vectors_cannot_tell_the_order():
    ids = np.array([[2, 3, 4, 2, 5, 0], [2, 5, 4, 2, 3, 0]])
    codes = WordMeans(TABLE).encode(ids)
    assert cosine(codes[:1], codes[1:])[0] == pytest.approx(1, abs=1e-6)
    assert codes[0] == pytest.approx(TABLE[[2, 3, 4, 2, 5]].mean(axis=0), abs=1e-6)


def test_an_empty_sentence_is_similar_to_nothing():
    codes = WordMeans(TABLE).encode(np.array([[0, 0, 0], [2, 3, 0]]))
    assert cosine(codes[:1], codes[1:])[0] == 0


def test_rare_words_count_more_than_frequent_ones():
    common, pairs = 2, RNG.integers(3, 10, (200, 2))
    ids = np.column_stack([np.full(200, common), pairs])
    latent = LatentWords.fit(ids, 10, 8)
    assert latent.idf[common] < latent.idf[3:].min()
    assert latent.idf[:2].max() == 0, "padding and unknown words do not count"
    assert latent.encode(ids).shape == (200, 8)


def test_sentences_with_the_same_words_have_the_same_latent_words():
    ids = RNG.integers(2, 10, (50, 5))
    latent = LatentWords.fit(ids, 10, 6)
    codes = latent.encode(np.array([[2, 3, 4, 0], [4, 2, 3, 0]]))
    assert cosine(codes[:1], codes[1:])[0] == pytest.approx(1, abs=1e-5)


def test_separation_is_one_half_where_nothing_separates():
    same = RNG.normal(size=400)
    assert separation(same, same) == pytest.approx(0.5)
    assert separation(same + 100, same) == 1
    assert separation(same - 100, same) == 0


def test_nearest_leaves_out_what_is_forbidden():
    codes = np.eye(4, dtype=np.float32) + 0.1
    best, cosines = nearest(codes, codes, 1)
    assert best[:, 0].tolist() == [0, 1, 2, 3]
    assert cosines[:, 0] == pytest.approx(1)
    others, _ = nearest(codes, codes, 1, lambda part: np.eye(4, dtype=bool)[part])
    assert all(others[k, 0] != k for k in range(4))


def test_topics_agree_with_neighbours_of_other_documents_alone():
    """Two documents of one topic far away from two of another; within a document, sentences are the same."""
    codes = np.repeat([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]], 3, axis=0)
    documents = np.repeat([0, 1, 2, 3], 3)
    topics = sparse.csr_matrix(np.repeat(np.array([[1, 0], [1, 0], [0, 1], [0, 1]]), 3, axis=0))
    assert topic_agreement(codes, documents, topics, 12) == 1
    crossed = sparse.csr_matrix(np.repeat(np.array([[1, 0], [0, 1], [1, 0], [0, 1]]), 3, axis=0))
    assert topic_agreement(codes, documents, crossed, 12) == 0
    assert 0 < chance_agreement(np.repeat(np.arange(100), 2), sparse.csr_matrix(np.tile(np.eye(2), (100, 1)))) < 1
