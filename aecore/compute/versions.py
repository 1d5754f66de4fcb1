"""Versions that a program and its workers must have in common: weights, events and jobs travel between them."""

import functools
import hashlib
from collections.abc import Mapping
from importlib import metadata

import aecore
from aecore.settings import PROJECT

# TensorFlow's builds have names of their own.
PACKAGES = {"keras": ("keras",), "tensorflow": ("tensorflow-cpu", "tensorflow")}


@functools.cache
def versions() -> dict[str, str]:
    """This project's version, with six letters that stand for its source, and those of Keras and TensorFlow."""
    source = hashlib.sha256()
    for path in sorted((PROJECT / "aecore").rglob("*.py")):
        source.update(path.relative_to(PROJECT).as_posix().encode() + path.read_bytes())
    return {
        "aecore": f"{aecore.__version__} ({source.hexdigest()[:6]})",
        **{name: _installed(packages) for name, packages in PACKAGES.items()},
    }


def other_versions(there: Mapping[str, str]) -> str:
    """What differs from a worker's versions, in words; "" where nothing does."""
    here = versions()
    names = [name for name in here if here[name] != there.get(name)]
    return ", ".join(f"{name} {there.get(name, 'of an older version')} instead of {here[name]}" for name in names)


def _installed(packages: tuple[str, ...]) -> str:
    for package in packages:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return "not installed"
