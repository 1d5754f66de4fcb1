"""What it is worth that two sentences have similar codes: controls, baselines and topics. NumPy and scikit-learn."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.metrics import roc_auc_score

FIRST_WORD = 2  # after PAD and UNK
MOST_COMPONENTS = 100
_TINY = 1e-8


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosines float32 [n] of the rows of [n, d] with those of [n, d]; 0 where one of them is zero."""
    return (unit(a) * unit(b)).sum(axis=1)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length one, float32 [n, d]; zeros stay."""
    vectors = np.asarray(vectors, np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _TINY)


def separation(own: np.ndarray, control: np.ndarray) -> float:
    """Area under the ROC curve that tells one sample from the other: 0.5 is chance, 1 is perfect."""
    return float(roc_auc_score(np.repeat([1, 0], [len(own), len(control)]), np.concatenate([own, control])))


@dataclass(frozen=True, eq=False)
class WordMeans:
    """A sentence as the mean of its words' vectors: it cannot tell one order of words from another.

    Attributes:
        table: [vocabulary, d], word vectors; that of padding is zero.
    """

    table: np.ndarray

    def encode(self, ids: np.ndarray) -> np.ndarray:
        """float32 [n, d] of word ids [n, length], padded with 0."""
        words = counts(ids, len(self.table))
        return np.asarray(words @ self.table.astype(np.float32) / np.maximum(words.sum(axis=1), 1).reshape(-1, 1))


@dataclass(frozen=True, eq=False)
class LatentWords:
    """A sentence as its words' frequencies, weighted by rareness and reduced (latent semantic analysis).

    TF-IDF as in scikit-learn's `TfidfVectorizer` (smoothed, rows of length one), then a truncated SVD (Deerwester
    et al., 1990). Unknown words do not count.

    Attributes:
        idf: float32 [vocabulary].
        components: float32 [vocabulary, k].
    """

    idf: np.ndarray
    components: np.ndarray

    @classmethod
    def fit(cls, ids: np.ndarray, vocabulary: int, components: int) -> "LatentWords":
        """Fits it on training sentences.

        Args:
            ids: word ids [n, length].
            vocabulary: number of words.
            components: at most so many.
        """
        words = counts(ids, vocabulary)
        documents = np.asarray((words > 0).sum(axis=0)).ravel()
        idf = np.log((1 + len(ids)) / (1 + documents)) + 1
        idf[:FIRST_WORD] = 0
        weighted = _rows_of_length_one(words @ sparse.diags(idf))
        most = min(components, MOST_COMPONENTS, vocabulary - 1, len(ids) - 1)
        svd = TruncatedSVD(n_components=most, random_state=0).fit(weighted)
        return cls(idf.astype(np.float32), svd.components_.T.astype(np.float32))

    def encode(self, ids: np.ndarray) -> np.ndarray:
        """float32 [n, k] of word ids [n, length]."""
        words = counts(ids, len(self.idf))
        return np.asarray(_rows_of_length_one(words @ sparse.diags(self.idf)) @ self.components, np.float32)


def counts(ids: np.ndarray, vocabulary: int) -> sparse.csr_matrix:
    """How often each word occurs in each sentence, float32 [n, vocabulary]; padding does not count."""
    rows, columns = np.nonzero(ids)
    ones = np.ones(len(rows), np.float32)
    return sparse.csr_matrix((ones, (rows, ids[rows, columns])), shape=(len(ids), vocabulary))


def _rows_of_length_one(matrix) -> sparse.csr_matrix:
    matrix = sparse.csr_matrix(matrix)
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1))).ravel()
    return sparse.csr_matrix(sparse.diags(1 / np.maximum(norms, _TINY)) @ matrix)


def nearest(
    queries: np.ndarray, others: np.ndarray, count: int, forbidden: Callable[[slice], np.ndarray] | None = None
):
    """The nearest of the others by cosine.

    Args:
        queries: [n, d].
        others: [m, d].
        count: how many neighbours.
        forbidden: for a slice of the queries, bool [n', m]: what does not count as a neighbour.

    Returns:
        Positions int64 [n, count], the nearest first, and their cosines float32 [n, count].
    """
    left, right = unit(queries), unit(others)
    found, cosines = [], []
    for k in range(0, len(left), 500):
        part = slice(k, min(k + 500, len(left)))
        scores = left[part] @ right.T
        if forbidden is not None:
            scores[forbidden(part)] = -np.inf
        best = np.argpartition(-scores, min(count, scores.shape[1] - 1), axis=1)[:, :count]
        order = np.take_along_axis(scores, best, 1).argsort(axis=1)[:, ::-1]
        best = np.take_along_axis(best, order, 1)
        found.append(best)
        cosines.append(np.take_along_axis(scores, best, 1))
    return np.concatenate(found), np.concatenate(cosines)


def topic_agreement(codes: np.ndarray, documents: np.ndarray, topics: sparse.csr_matrix, queries: int) -> float:
    """How often the nearest sentence of another document shares a topic.

    Args:
        codes: [n, d] of sentences that have topics.
        documents: [n], theirs.
        topics: [n, topics], 1 where a sentence has one.
        queries: for so many of the sentences, the first ones.
    """
    best, _ = nearest(codes[:queries], codes, 1, lambda part: documents[part][:, None] == documents[None, :])
    return float(share_topics(topics[:queries], topics[best[:, 0]]).mean())


def share_topics(a: sparse.csr_matrix, b: sparse.csr_matrix) -> np.ndarray:
    """bool [n]: whether the rows of two topic matrices have one in common."""
    return np.asarray(a.multiply(b).sum(axis=1)).ravel() > 0


def chance_agreement(documents: np.ndarray, topics: sparse.csr_matrix, seed: int = 0) -> float:
    """How often a sentence of another document, drawn at random, shares a topic."""
    other = np.random.default_rng(seed).permutation(len(documents))
    apart = documents != documents[other]
    return float(share_topics(topics, topics[other])[apart].mean()) if apart.any() else float("nan")
