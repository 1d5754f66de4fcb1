"""Sentences to train on: corpora, tokenizing, vocabularies and word vectors.

`load_corpus` reads a corpus once and keeps it; `Vocabulary` turns sentences into numbers, `word_vectors` numbers into
vectors. Nothing here imports TensorFlow, and NLTK, SciPy and scikit-learn are imported on first use.
"""

from aecore.datasets.text.cooccurrence import corpus_vectors
from aecore.datasets.text.corpus import Corpus, Sentences
from aecore.datasets.text.figures import coverage_curve, figures, frequent_words, lengths
from aecore.datasets.text.glove import add_glove, glove_path, glove_size, glove_status, glove_vectors, have_glove
from aecore.datasets.text.glove_download import download_glove
from aecore.datasets.text.library import load_corpus
from aecore.datasets.text.own import add_file, add_text, remove_text
from aecore.datasets.text.tokenizing import tokenize
from aecore.datasets.text.vectors import WordVectors, word_vectors
from aecore.datasets.text.vocabulary import Vocabulary, sentence_ids

__all__ = [
    "Corpus",
    "Sentences",
    "Vocabulary",
    "WordVectors",
    "add_file",
    "add_glove",
    "add_text",
    "corpus_vectors",
    "coverage_curve",
    "download_glove",
    "figures",
    "frequent_words",
    "glove_path",
    "glove_size",
    "glove_status",
    "glove_vectors",
    "have_glove",
    "lengths",
    "load_corpus",
    "remove_text",
    "sentence_ids",
    "tokenize",
    "word_vectors",
]
