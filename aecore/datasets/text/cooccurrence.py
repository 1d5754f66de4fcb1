"""Word vectors from a corpus alone: positive pointwise mutual information, reduced by a singular value decomposition.

Levy, Goldberg and Dagan, Improving Distributional Similarity with Lessons Learned from Word Embeddings, 2015.
"""

import numpy as np

from aecore.datasets.text.corpus import Corpus, Progress
from aecore.datasets.text.vocabulary import RESERVED, Vocabulary, word_ids
from aecore.errors import BadInput

WINDOW = 4
SMOOTHING = 0.75  # exponent on the frequencies of context words
SEED = 0
# Mean squared entry of glove.6B.50d's vectors, measured on its 2,440 most frequent words: 0.547. Vectors of this
# size give losses that can be compared.
GLOVE_SQUARE = 0.547


def corpus_vectors(
    corpus: Corpus, vocabulary: Vocabulary, size: int, progress: Progress | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of the words of a vocabulary by the words that stand near them.

    Two words count as near where at most three words of the same sentence stand between them. The vectors are
    U·sqrt(S) of the decomposition, scaled to the mean squared entry of GloVe's.

    Args:
        corpus: where words are counted.
        vocabulary: the words.
        size: numbers a word, less than the words that stand near another one.
        progress: called with the share that is done and what is being done.

    Returns:
        float32 [V, size], and bool [V], which rows hold a vector; the others are zero.

    Raises:
        BadInput: there are too few words for vectors of this size.
    """
    from sklearn.decomposition import TruncatedSVD

    report = progress or (lambda share, what: None)
    counts = _near(corpus, vocabulary, report)
    known = np.zeros(len(vocabulary), bool)
    rows = np.flatnonzero(np.diff(counts.indptr)).astype(np.int64)
    if len(rows) <= size:
        raise BadInput(
            f"Vectors of {size} numbers need more than {size} words that stand near others; this text and vocabulary "
            f"have {len(rows)}: choose smaller vectors or a larger vocabulary."
        )
    report(0.5, "weighing words by mutual information")
    weights = _mutual_information(counts[rows][:, rows])
    report(0.6, "reducing to vectors")
    decomposition = TruncatedSVD(size, algorithm="randomized", n_iter=5, random_state=SEED)
    # fit_transform gives U·S, which over sqrt(S) is U·sqrt(S).
    found = decomposition.fit_transform(weights)
    strength = np.sqrt(np.maximum(decomposition.singular_values_, np.finfo(np.float32).tiny))
    found = np.where(decomposition.singular_values_ > 1e-6, found / strength, 0)
    filled = np.any(found != 0, axis=1)  # a word that stands near others no more often than chance has none
    square = float(np.mean(found[filled] ** 2)) if filled.any() else 1.0
    table = np.zeros((len(vocabulary), size), np.float32)
    table[rows[filled]] = found[filled] * np.sqrt(GLOVE_SQUARE / square)
    known[rows[filled]] = True
    report(1.0, "vectors are ready")
    return table, known


def _near(corpus: Corpus, vocabulary: Vocabulary, report: Progress):
    """How often each word of the vocabulary stands near each other one: sparse float32 [V, V], symmetric."""
    from scipy import sparse

    ids = word_ids(corpus, vocabulary)[corpus.token_ids]
    sentence = np.repeat(np.arange(len(corpus), dtype=np.int32), np.diff(corpus.starts))
    shape = (len(vocabulary), len(vocabulary))
    counts = sparse.csr_array(shape, dtype=np.float32)
    for distance in range(1, WINDOW + 1):
        report(0.5 * (distance - 1) / WINDOW, "counting words that stand together")
        left, right = ids[:-distance], ids[distance:]
        together = (sentence[:-distance] == sentence[distance:]) & (left >= RESERVED) & (right >= RESERVED)
        left, right = left[together].astype(np.int32), right[together].astype(np.int32)
        # Repeated pairs are added up when the triples become a matrix.
        pairs = sparse.coo_array((np.ones(len(left), np.float32), (left, right)), shape=shape)
        counts = counts + pairs.tocsr()
    return (counts + counts.T).tocsr()


def _mutual_information(counts):
    """max(0, log(P(a, b) / (P(a)·P(b)^0.75 made to sum to 1))) where counts are above 0."""
    counts = counts.tocoo()
    near = np.asarray(counts.sum(axis=1), np.float64).ravel()
    context = near**SMOOTHING
    context /= context.sum()
    rows, columns = counts.coords
    counts.data = np.maximum(0, np.log(counts.data / (near[rows] * context[columns]))).astype(np.float32)
    weights = counts.tocsr()
    weights.eliminate_zeros()
    return weights
