"""Reads a dataset from this machine into arrays, refusing damaged files, and picks the images that are shown."""

import gzip
import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from aecore.datasets.catalogue import DatasetInfo
from aecore.datasets.registry import download_hint, info_of, locate, spare
from aecore.errors import DataMissing
from aecore.files import read_arrays
from aecore.settings import Settings

_DIGITS_HELD_OUT = 360
VALIDATION_SHARE = 6  # of MNIST: 10,000, as many as there are test images


@dataclass(frozen=True, eq=False)
class Images:
    """A dataset in memory. The arrays are shared by all who load it, and read-only.

    Attributes:
        x_train: uint8 [n, height, width, channels], 0 (black) to 255.
        y_train: uint8 [n], position in the dataset's `classes`.
        x_test: the held-out images, like `x_train`.
        y_test: their labels, like `y_train`.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def __post_init__(self) -> None:
        for array in (self.x_train, self.y_train, self.x_test, self.y_test):
            array.setflags(write=False)

    def without_test(self) -> "Images":
        """The training images alone: the last sixth of them is held out in place of the test images."""
        cut = len(self.x_train) - max(1, len(self.x_train) // VALIDATION_SHARE)
        return Images(self.x_train[:cut], self.y_train[:cut], self.x_train[cut:], self.y_train[cut:])

    def without_class(self, label: int) -> "Images":
        """The same with no training images of a class; held-out images keep all classes."""
        kept = self.y_train != label
        return Images(self.x_train[kept], self.y_train[kept], self.x_test, self.y_test)

    def binarised(self, seed: int) -> "Images":
        """The images in black and white: each pixel is white with its grey as the probability."""
        rng = np.random.default_rng(seed)
        train, test = (
            np.where(rng.random(x.shape, dtype=np.float32) * 255 < x, np.uint8(255), np.uint8(0))
            for x in (self.x_train, self.x_test)
        )
        return Images(train, self.y_train, test, self.y_test)


def load(name: str, settings: Settings) -> Images:
    """Reads a dataset, or returns it as it was read before if its files have not changed.

    Raises:
        BadInput: there is no dataset of this name, or it holds sentences.
        DataMissing: it is not on this machine, or one of its files is damaged or another dataset's.
    """
    dataset = info_of("images", name, settings)
    if not dataset.files:
        return _digits()
    folder = locate(dataset, settings)
    if folder is None:
        raise DataMissing(
            f"{dataset.title} is not on this machine: download {download_hint(dataset, settings)}, or {spare(dataset)}."
        )
    return _from_files(dataset, folder, tuple(_file_version(folder / file.name) for file in dataset.files))


def preview(name: str, settings: Settings, count: int = 10) -> np.ndarray:
    """The first held-out image of each class, in the order of the classes.

    Args:
        name: the dataset.
        settings: where datasets lie.
        count: number of images; beyond one a class, the second of each class follows, and so on.

    Returns:
        uint8 [count, height, width].

    Raises:
        BadInput: there is no dataset of this name.
        DataMissing: it is not on this machine, or cannot be read.
    """
    images = load(name, settings)
    return images.x_test[preview_indices(images.y_test, count)][..., 0]


def preview_indices(labels: np.ndarray, count: int = 10) -> np.ndarray:
    """Positions of the first image of each class, then of the second of each, and so on.

    Args:
        labels: integers [n].
        count: how many positions; all n where there are fewer.

    Returns:
        int64 [count].
    """
    return _in_turns(labels, np.arange(len(labels)))[:count]


def fixed_indices(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Positions of a random choice that takes the classes in turn and is the same for the same seed.

    Args:
        labels: integers [n].
        count: how many positions; all n where there are fewer.
        seed: start of the random numbers, at least 0.

    Returns:
        int64 [count]: one position for each class in its order, then a second round, and so on.
    """
    return _in_turns(labels, np.random.default_rng(seed).permutation(len(labels)))[:count]


def _in_turns(labels: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Rearranges positions so that each round holds one of each class, as long as a class has any left."""
    by_class = order[np.argsort(labels[order], kind="stable")]
    sizes = np.unique(labels, return_counts=True)[1]
    rounds = np.concatenate([np.arange(size) for size in sizes])
    return by_class[np.argsort(rounds, kind="stable")]


@lru_cache(maxsize=1)
def _digits() -> Images:
    # Imported here: scikit-learn takes a second that a visitor of MNIST need not wait.
    from PIL import Image
    from sklearn.datasets import load_digits

    raw = load_digits()
    small = np.rint(raw.images * (255 / 16)).astype(np.uint8)
    large = [np.asarray(Image.fromarray(image).resize((28, 28), Image.Resampling.BICUBIC)) for image in small]
    x, y = np.stack(large)[..., np.newaxis], raw.target.astype(np.uint8)
    train, test = slice(None, -_DIGITS_HELD_OUT), slice(-_DIGITS_HELD_OUT, None)
    return Images(x[train], y[train], x[test], y[test])


def _file_version(path: Path) -> tuple[int, int]:
    """What changes when a file is replaced: (time of change in ns, bytes)."""
    with _refusing(path):
        stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=2)
def _from_files(dataset: DatasetInfo, folder: Path, versions: tuple[tuple[int, int], ...]) -> Images:
    """Reads and checks the files. The versions do nothing but make a replaced file a new entry of the cache."""
    del versions
    size = dataset.image_shape[:2]
    shapes = {
        "x_train": (dataset.train_size, *size),
        "y_train": (dataset.train_size,),
        "x_test": (dataset.test_size, *size),
        "y_test": (dataset.test_size,),
    }
    paths = [folder / file.name for file in dataset.files]
    # Either one .npz file that holds the four parts, or one IDX file for each.
    paths = paths * 4 if len(paths) == 1 else paths
    parts: dict[str, np.ndarray] = {}
    for path, (part, shape) in zip(paths, shapes.items(), strict=True):
        with _refusing(path):
            array = _read_npz(path, part) if path.suffix == ".npz" else _read_idx(path, shape)
        _check(dataset, path, part, shape, array)
        parts[part] = array.reshape(-1, *dataset.image_shape) if part.startswith("x") else array
    return Images(**parts)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turns whatever reading this file raises into one sentence that names it."""
    try:
        yield
    # A damaged file can raise nearly anything: BadZipFile, BadGzipFile, zlib.error, EOFError, KeyError, ValueError
    # (a pickle), RuntimeError (an encrypted zip), TokenError (a header of numpy), MemoryError (a shape that lies).
    except Exception as error:
        reason = getattr(error, "strerror", None) or "it is damaged or not what its name says"
        raise DataMissing(f"{path} cannot be read ({reason}): delete it and download it again.") from error


def _read_npz(path: Path, part: str) -> np.ndarray:
    return read_arrays(path, [part])[part]


def _read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Reads a gzipped IDX file: two zeros, 8 for unsigned bytes, the number of axes, their lengths, the bytes."""
    header = struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *shape)
    size = len(header) + math.prod(shape)
    with gzip.open(path) as file:
        # One byte more than there should be: it shows a longer file, and only at its end is gzip's checksum compared.
        content = file.read(size + 1)
    if len(content) != size or not content.startswith(header):
        raise ValueError(f"no IDX file of {shape}")
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def _check(dataset: DatasetInfo, path: Path, part: str, shape: tuple[int, ...], array: np.ndarray) -> None:
    if array.dtype != np.uint8 or array.shape != shape:
        found, wanted = f"{array.dtype} {list(array.shape)}", f"uint8 {list(shape)}"
    elif len(shape) == 1 and not np.array_equal(np.unique(array), np.arange(len(dataset.classes))):
        labels = np.unique(array)
        found, wanted = f"labels {labels[0]} to {labels[-1]}", f"each of 0 to {len(dataset.classes) - 1}"
    else:
        return
    raise DataMissing(
        f"{path} is not {dataset.title}, as its {part} holds {found} instead of {wanted}: delete it and download it "
        "again."
    )
