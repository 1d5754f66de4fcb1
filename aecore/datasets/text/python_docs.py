"""The corpus that is always here: prose of Python's reference and of the docstrings of installed packages.

The text differs with the versions that are installed, so a run stores the dataset's name with a version. Packages are
read as files and never imported. A document is a module, its topic the package.
"""

import ast
import functools
import gc
import hashlib
import importlib.metadata
import importlib.util
import platform
from collections.abc import Callable, Iterator
from pathlib import Path

from aecore.datasets.text.corpus import Document, Progress
from aecore.datasets.text.prose import is_sentence, paragraphs

PYTHON = "python"
# Requirements whose docstrings explain much in words: the names of the distributions and of their packages.
PACKAGES = {
    "numpy": "numpy", "scipy": "scipy", "scikit-learn": "sklearn", "pandas": "pandas", "matplotlib": "matplotlib",
    "scikit-image": "skimage", "nltk": "nltk", "keras": "keras", "streamlit": "streamlit",
}  # fmt: skip
MOST_SENTENCES, MOST_OF_A_PACKAGE = 60_000, 5_000
RECIPE = 1  # raised when other sentences come out of the same packages
_TESTS = frozenset({"tests", "test", "testing", "conftest.py", "_examples", "externals", "_vendor", "vendored"})
_Holder = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def key() -> str:
    """Hash of what the sentences depend on: the versions of Python and of the packages that are installed."""
    versions = [f"{RECIPE} {PYTHON} {platform.python_version()}"]
    versions += [f"{name} {importlib.metadata.version(name)}" for name in _installed()]
    return hashlib.sha256("\n".join(versions).encode()).hexdigest()


@functools.cache
def version() -> str:
    """Six letters of the key: what a run that has learnt these sentences stores in the dataset's name."""
    return key()[:6]


def documents(split: Callable[[str], list[str]], progress: Progress) -> Iterator[Document]:
    """Reads the corpus; a sentence that stands in several places is taken at the first.

    Args:
        split: from a paragraph to sentences.
        progress: called with the share that is read.
    """
    seen: set[str] = set()
    topics = [PYTHON, *_installed()]
    for position, topic in enumerate(topics):
        left = min(MOST_OF_A_PACKAGE, MOST_SENTENCES - len(seen))
        files = [None] if topic == PYTHON else _files(PACKAGES[topic])
        for number, file in enumerate(files):
            progress((position + number / len(files)) / len(topics), f"reading the documentation of {topic}")
            found = []
            for paragraph in _reference() if file is None else _prose(file):
                for sentence in split(paragraph):
                    if left > len(found) and is_sentence(sentence) and sentence.lower() not in seen:
                        seen.add(sentence.lower())
                        found.append(sentence)
            left -= len(found)
            if found:
                yield Document(found, (topic,))
            if left <= 0:
                break


def sample() -> Iterator[str]:
    """Paragraphs of all packages in turn, to train a sentence splitter on."""
    yield from _reference()
    for package in _installed():
        for file in _files(PACKAGES[package])[::8]:
            yield from _prose(file)


def _installed() -> list[str]:
    return [name for name, package in PACKAGES.items() if importlib.util.find_spec(package) is not None]


def _files(package: str) -> list[Path]:
    """The source files of a package without its tests, in a fixed order."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return []
    root = Path(spec.origin).parent
    files = (path for path in root.rglob("*.py") if not _TESTS.intersection(path.relative_to(root).parts))
    return sorted(files, key=lambda path: path.relative_to(root).parts)


def _reference() -> Iterator[str]:
    from pydoc_data.topics import topics

    for name in sorted(topics):
        yield from paragraphs(topics[name])


def _prose(file: Path) -> Iterator[str]:
    source = file.read_bytes()
    if b'"""' not in source and b"'''" not in source:
        return
    for docstring in _parsed(source):
        yield from paragraphs(docstring)


def _parsed(source: bytes) -> list[str]:
    """The docstrings of a source; none of a template, or of code for another version of Python."""
    collecting = gc.isenabled()
    gc.disable()  # a third of the time would go into looking at a tree that has no cycles
    try:
        return list(_docstrings(ast.parse(source)))
    except (SyntaxError, ValueError):
        return []
    finally:
        if collecting:
            gc.enable()


def _docstrings(node: _Holder) -> Iterator[str]:
    """Docstrings of a module, its classes and functions, in the order of the source."""
    docstring = ast.get_docstring(node, clean=False)
    if docstring:
        yield docstring
    if isinstance(node, ast.Module | ast.ClassDef):
        for child in node.body:
            if isinstance(child, _Holder):
                yield from _docstrings(child)
