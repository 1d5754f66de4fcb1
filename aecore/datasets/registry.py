"""Datasets on this machine: what a name stands for, where the files lie, how to get them.

`catalogue` lists what there is; a visitor's own texts are found in the folder `texts` under the home.
"""

import dataclasses
import json
import os
import re
from pathlib import Path

from aecore.datasets.catalogue import CORPORA, DATASETS, PYTHON_DOCS, DatasetInfo, DatasetStatus, Modality
from aecore.errors import BadInput
from aecore.settings import Settings

OWN_TEXT = re.compile(r"text-(?P<slug>[a-z0-9-]+)-[0-9a-f]{6}")
_VERSIONED = re.compile(rf"{PYTHON_DOCS}-(?P<version>[0-9a-f]{{6}})")
_SPARE = {"images": "digits", "sentences": "python-docs"}


def info(name: str, settings: Settings | None = None) -> DatasetInfo:
    """The dataset of this name.

    Args:
        name: a dataset, a corpus, also python-docs with a version, or an own text.
        settings: where own texts lie; without it, every name of an own text is taken to stand for one.

    Raises:
        BadInput: there is none.
    """
    known = DATASETS | CORPORA
    if name in known:
        return known[name]
    versioned = _VERSIONED.fullmatch(name)
    if versioned:
        return dataclasses.replace(known[PYTHON_DOCS], name=name, title=f"Python docs, version {versioned['version']}")
    matched = OWN_TEXT.fullmatch(name)
    if matched and (settings is None or own_text_path(name, settings).is_file()):
        title = settings and _own_title(own_text_path(name, settings))
        return DatasetInfo(
            name=name,
            title=title or matched["slug"],
            description="A text of your own.",
            licence="your own",
            source="",
            image_shape=(),
            modality="sentences",
        )
    listed = [*known, *(names("sentences", settings)[len(CORPORA) :] if settings else ())]
    raise BadInput({"dataset": f"There is no dataset '{name}'; the datasets are {', '.join(listed)}."})


def with_version(name: str) -> str:
    """The name of a dataset as a run stores it: python-docs differ with the versions of Python and its packages."""
    if name != PYTHON_DOCS:
        return name
    from aecore.datasets.text import python_docs

    return f"{PYTHON_DOCS}-{python_docs.version()}"


def without_version(name: str) -> str:
    """The name of a dataset as a visitor chooses it."""
    return PYTHON_DOCS if _VERSIONED.fullmatch(name) else name


def info_of(modality: Modality, name: str, settings: Settings | None = None) -> DatasetInfo:
    """The dataset of this name, which has to hold images, or sentences.

    Raises:
        BadInput: there is none, or it holds the other.
    """
    dataset = info(name, settings)
    if dataset.modality != modality:
        others = ", ".join(names(modality, settings) if settings else DATASETS if modality == "images" else CORPORA)
        raise BadInput(
            {"dataset": f"{name} holds {dataset.modality}, not {modality}; those with {modality} are {others}."}
        )
    return dataset


def names(modality: Modality, settings: Settings) -> list[str]:
    """Names of the datasets of a kind, own texts at the end, those in their alphabetical order."""
    if modality == "images":
        return list(DATASETS)
    own = (path.stem for path in texts_folder(settings).glob("text-*.jsonl"))
    return [*CORPORA, *sorted(name for name in own if OWN_TEXT.fullmatch(name))]


def texts_folder(settings: Settings) -> Path:
    """The folder of the visitors' own texts."""
    return settings.own_dir / "texts"


def own_text_path(name: str, settings: Settings) -> Path:
    """The file of an own text, which need not be there."""
    return texts_folder(settings) / f"{name}.jsonl"


def _own_title(path: Path) -> str:
    """The name of the uploaded file, from the first line; "" where it cannot be read, which reading it will tell."""
    try:
        with path.open("rb") as file:
            return str(json.loads(file.readline(10_000))["title"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def locate(dataset: DatasetInfo, settings: Settings) -> Path | None:
    """The first folder that holds all files of the dataset: data folder, Keras's cache, own downloads.

    Returns:
        The folder, or None where the files are nowhere, or the dataset has none.
    """
    if not dataset.files:
        return None
    roots = [root for root in (settings.data_dir, settings.keras_dir, settings.download_dir) if root]
    for root in roots:
        for folder in dataset.folders:
            if has_files(root / folder, [file.name for file in dataset.files]):
                return root / folder
            if dataset.unpacked and has_files(root / folder, dataset.unpacked):
                return root / folder
    return None


def has_files(folder: Path, files: list[str] | tuple[str, ...]) -> bool:
    """Whether a folder holds all of these files."""
    # Not Path.is_file, which raises where a folder on the way must not be entered.
    return all(os.path.isfile(folder / file) for file in files)  # noqa: PTH113


def download_folder(dataset: DatasetInfo, settings: Settings) -> Path:
    """The folder into which the files of the dataset are downloaded."""
    return settings.download_dir / dataset.folders[0]


def base_url(dataset: DatasetInfo, settings: Settings) -> str:
    """The address, ending in "/", to which a file's name is appended."""
    return getattr(settings, dataset.address)


def spare(dataset: DatasetInfo) -> str:
    """What a visitor can do without this dataset: what follows the word "or"."""
    return f"use {_SPARE[dataset.modality]}, which needs no download"


def download_hint(dataset: DatasetInfo, settings: Settings) -> str:
    """Which files, from which address, into which folder: what follows the word "download"."""
    *rest, last = [file.name for file in dataset.files]
    listed = f"{', '.join(rest)} and {last}" if rest else last
    megabytes = sum(file.bytes for file in dataset.files) / 1e6
    folder = download_folder(dataset, settings)
    return f"{listed} ({megabytes:.1f} MB) from {base_url(dataset, settings)} into {folder}"


def status(name: str, settings: Settings) -> DatasetStatus:
    """Whether and where a dataset is on this machine, without reading it.

    Raises:
        BadInput: there is no dataset of this name.
    """
    dataset = info(name, settings)
    if dataset.files:
        folder = locate(dataset, settings)
        where, how = str(folder) if folder else None, f"Download {download_hint(dataset, settings)}."
    elif without_version(name) != name and name != with_version(PYTHON_DOCS):
        where = None
        how = f"It was made from other versions of Python and its packages; here are {with_version(PYTHON_DOCS)}."
    elif without_version(name) in DATASETS or without_version(name) in CORPORA:
        where = dataset.comes_with
        how = f"It comes with {where} and needs no download."
    else:
        where, how = str(texts_folder(settings)), "It was added on this machine."
    return DatasetStatus(
        name=dataset.name,
        title=dataset.title,
        licence=dataset.licence,
        source=dataset.source,
        image_shape=dataset.image_shape,
        train_size=dataset.train_size,
        test_size=dataset.test_size,
        available=where is not None,
        where=where,
        how=how,
        modality=dataset.modality,
    )
