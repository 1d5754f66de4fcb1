"""The corpus that is always here: what is taken out of docstrings, and the whole of it once."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from aecore.datasets import status
from aecore.datasets.text import load_corpus, python_docs
from aecore.datasets.text.prepared import resolved
from aecore.datasets.text.prose import is_sentence, paragraphs
from aecore.datasets.text.statistics import corpus_statistics
from aecore.errors import DataMissing
from aecore.schema import RunConfig
from aecore.settings import Settings

NUMPY_STYLE = """
    Compute the mean of ``values`` along an :class:`~numpy.Axis`.

    The mean is the *sum* over the number of
    values [1]_, as in `this page <https://a.org>`_.

    .. note:: This directive is dropped.
        And what is indented beneath it.

    Parameters
    ----------
    values : array_like
        The numbers whose mean is wanted.
        It may be of any shape.
    axis : int, optional

    ======  =====
    Name    Count
    ======  =====
    a       1
    ======  =====

    Examples
    --------
    >>> mean([1, 2])
    1.5

    The example is explained here.

    Notes
    -----
    Words are kept here.
"""
GOOGLE_STYLE = """Applies a filter to the images.

    Args:
        images: Batch of images that
            are filtered.
        size (int): Width of the filter.

    Example:

    Not this one at all.

    Returns:
        The filtered images are returned.
"""


def test_prose_of_numpy_s_style():
    assert list(paragraphs(NUMPY_STYLE)) == [
        "Compute the mean of values along an numpy.Axis.",
        "The mean is the sum over the number of values, as in this page.",
        "The numbers whose mean is wanted. It may be of any shape.",
        "Words are kept here.",
    ]


def test_prose_of_google_s_style():
    found = list(paragraphs(GOOGLE_STYLE))
    assert found[0] == "Applies a filter to the images."
    assert "Width of the filter." in found
    assert "The filtered images are returned." in found
    assert not any("Not this" in paragraph for paragraph in found)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("The mean of the values is returned.", True),
        ("Is the mean of all the values returned?", True),
        ("the mean of the values is returned.", False),
        ("The mean of the values is returned", False),
        ("The mean of x.", False),
        ("The mean of the values is kept in out_dtype.", False),
        ("The mean is np.mean(x) of the values.", False),
        ("The result is a = b + c of the values.", False),
        ("Array, list, tuple, set, dictionary, string.", False),
        ("The page is at https://example.org of the site.", False),
    ],
)
def test_what_is_a_sentence(text: str, good: bool):
    assert is_sentence(text) == good


def test_packages_are_not_imported():
    code = (
        "import sys; from aecore.datasets.text import python_docs as docs; docs.key();"
        "next(docs.documents(str.splitlines, print));"
        "print([m for m in ('tensorflow', 'keras', 'pandas', 'streamlit', 'matplotlib') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_the_whole_corpus(tmp_path: Path):
    settings = Settings(home=tmp_path)
    reported: list[float] = []
    begun = time.monotonic()
    corpus = load_corpus("python-docs", settings, lambda share, what: reported.append(share))
    assert time.monotonic() - begun < 120
    assert len(reported) > 500
    assert reported == sorted(reported)
    found = corpus_statistics(corpus)
    assert 20_000 <= found["sentences"] <= python_docs.MOST_SENTENCES
    assert found["characters_min"] > 10
    assert found["coverage"] > 0.9
    sentences = list(corpus.sentences)
    assert len({sentence.lower() for sentence in sentences}) == len(sentences)
    assert all(map(is_sentence, sentences))
    assert corpus.topic_names[:2] == ("python", "numpy")
    assert all(len(corpus.topics_of(i)) == 1 for i in range(0, len(corpus), 997))
    assert found["documents"] > 1000
    assert load_corpus("python-docs", settings) is corpus


def test_a_run_stores_the_version_and_others_are_not_here(home: Path):
    settings = Settings(home=home)
    config = resolved(RunConfig.make("sentence", "python-docs", "quick"), settings)
    assert config.dataset == f"python-docs-{python_docs.version()}"
    assert RunConfig.from_json(config.to_json()).dataset == config.dataset
    assert status(config.dataset, settings).available
    assert status("python-docs", settings).available, "runs of the version before name no version"
    other = status("python-docs-abcdef", settings)
    assert not other.available
    assert other.how.startswith("It was made from other versions of Python")
    with pytest.raises(DataMissing, match=f"here are {config.dataset}"):
        load_corpus("python-docs-abcdef", settings)
