"""Sentences to train on: corpora, tokenizing, vocabularies and word vectors.

`load_corpus` reads a corpus once and keeps it; `Vocabulary` turns sentences into numbers, `word_vectors` numbers into
vectors. Nothing here imports TensorFlow, and NLTK, SciPy and scikit-learn are imported on first use.
"""

from aecore.datasets.text.cache import as_texts
from aecore.datasets.text.corpus import Corpus
from aecore.datasets.text.glove import add_glove, glove_size, glove_status, have_glove
from aecore.datasets.text.glove_download import download_glove
from aecore.datasets.text.library import load_corpus
from aecore.datasets.text.own import add_file, add_text, remove_text
from aecore.datasets.text.statistics import corpus_statistics, coverage_curve, frequent_words, lengths
from aecore.datasets.text.tokenizing import tokenize
from aecore.datasets.text.vectors import word_vectors
from aecore.datasets.text.vocabulary import Vocabulary, sentence_ids

__all__ = [
    "Corpus",
    "Vocabulary",
    "add_file",
    "add_glove",
    "add_text",
    "as_texts",
    "corpus_statistics",
    "coverage_curve",
    "download_glove",
    "frequent_words",
    "glove_size",
    "glove_status",
    "have_glove",
    "lengths",
    "load_corpus",
    "remove_text",
    "sentence_ids",
    "tokenize",
    "word_vectors",
]
