"""The image datasets by name: what they hold, which files they are, and where those lie on this machine."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from aecore.errors import BadInput
from aecore.settings import Settings


class DataFile(NamedTuple):
    """One file of a dataset.

    Attributes:
        name: file name, the same at the address it comes from.
        hash: checksum of the file as distributed, "sha256:…" or "md5:…".
        bytes: its size; only progress and the text for a visitor use it.
    """

    name: str
    hash: str
    bytes: int


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a dataset without reading it.

    Attributes:
        name: key in `DATASETS`.
        title: name for a visitor.
        description: what the images are, and how held-out ones were chosen.
        licence: short name of the licence.
        source: address of the people who made it.
        train_size: number of training images.
        test_size: number of held-out images.
        classes: name of each class; the label is the position.
        files: what has to be downloaded; empty for data that comes with a library.
        folders: subfolders in which the files may lie, the first being where they are downloaded to.
        image_shape: (height, width, channels).
    """

    name: str
    title: str
    description: str
    licence: str
    source: str
    train_size: int
    test_size: int
    classes: tuple[str, ...]
    files: tuple[DataFile, ...] = ()
    folders: tuple[str, ...] = ("",)
    image_shape: tuple[int, int, int] = (28, 28, 1)


@dataclass(frozen=True)
class DatasetStatus:
    """A dataset on this machine.

    Attributes:
        available: whether all its files were found; whether they can be read is known once they are loaded.
        where: folder in which they were found, "scikit-learn" for digits, or None.
        how: how to get it, for a visitor.
    """

    name: str
    title: str
    licence: str
    source: str
    image_shape: tuple[int, int, int]
    train_size: int
    test_size: int
    available: bool
    where: str | None
    how: str

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON knows them."""
        return asdict(self) | {"image_shape": list(self.image_shape)}


_DIGITS = tuple("0123456789")
_CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")

DATASETS: dict[str, DatasetInfo] = {
    dataset.name: dataset
    for dataset in (
        DatasetInfo(
            name="digits",
            title="Digits",
            description=(
                "1,797 handwritten digits of 8x8 pixels in 17 shades, enlarged to 28x28. They come with scikit-learn "
                "and need no download. There is no published split; the last 360 are held out."
            ),
            licence="CC BY 4.0",
            source="https://archive.ics.uci.edu/dataset/80",
            train_size=1437,
            test_size=360,
            classes=_DIGITS,
        ),
        DatasetInfo(
            name="mnist",
            title="MNIST",
            description="70,000 handwritten digits of 28x28 pixels; the published 10,000 test images are held out.",
            licence="CC BY-SA 3.0",
            source="http://yann.lecun.com/exdb/mnist/",
            train_size=60_000,
            test_size=10_000,
            classes=_DIGITS,
            files=(
                DataFile(
                    "mnist.npz",
                    "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
                    11_490_434,
                ),
            ),
        ),
        DatasetInfo(
            name="fashion_mnist",
            title="Fashion-MNIST",
            description=(
                "70,000 photographs of clothes, bags and shoes of 28x28 pixels; the published 10,000 test images are "
                "held out."
            ),
            licence="MIT",
            source="https://github.com/zalandoresearch/fashion-mnist",
            train_size=60_000,
            test_size=10_000,
            classes=_CLOTHES,
            files=(
                DataFile("train-images-idx3-ubyte.gz", "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
                DataFile("train-labels-idx1-ubyte.gz", "md5:25c81989df183df01b3e8a0aad5dffbe", 29_515),
                DataFile("t10k-images-idx3-ubyte.gz", "md5:bef4ecab320f06d8554ea6380940ec79", 4_422_102),
                DataFile("t10k-labels-idx1-ubyte.gz", "md5:bb300cfdad3c16e7a12a480ee83cd310", 5_148),
            ),
            # Never loose at the top: MNIST's own IDX files bear the same names.
            folders=("fashion-mnist", "fashion_mnist"),
        ),
    )
}


def info(name: str) -> DatasetInfo:
    """The dataset of this name.

    Raises:
        BadInput: there is none.
    """
    try:
        return DATASETS[name]
    except KeyError:
        known = ", ".join(DATASETS)
        raise BadInput({"dataset": f"There is no dataset '{name}'; the datasets are {known}."}) from None


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
            # Not Path.is_file, which raises where a folder on the way must not be entered.
            if all(os.path.isfile(root / folder / file.name) for file in dataset.files):  # noqa: PTH113
                return root / folder
    return None


def download_folder(dataset: DatasetInfo, settings: Settings) -> Path:
    """The folder into which the files of the dataset are downloaded."""
    return settings.download_dir / dataset.folders[0]


def download_hint(dataset: DatasetInfo, settings: Settings) -> str:
    """Which files, from which address, into which folder: what follows the word "download"."""
    *rest, last = [file.name for file in dataset.files]
    names = f"{', '.join(rest)} and {last}" if rest else last
    megabytes = sum(file.bytes for file in dataset.files) / 1e6
    folder = download_folder(dataset, settings)
    return f"{names} ({megabytes:.1f} MB) from {settings.data_url} into {folder}"


def status(name: str, settings: Settings) -> DatasetStatus:
    """Whether and where a dataset is on this machine, without reading it.

    Raises:
        BadInput: there is no dataset of this name.
    """
    dataset = info(name)
    folder = locate(dataset, settings)
    if dataset.files:
        where, how = str(folder) if folder else None, f"Download {download_hint(dataset, settings)}."
    else:
        where, how = "scikit-learn", "It comes with scikit-learn and needs no download."
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
    )
