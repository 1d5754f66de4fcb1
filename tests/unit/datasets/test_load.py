"""The registry, the search on disk, reading, and the refusal of damaged files."""

import errno
import gzip
import hashlib
import json
import os
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aecore.datasets import DATASETS, fixed_indices, info, load, preview, preview_indices, status
from aecore.errors import BadInput, DataMissing
from aecore.settings import Settings

FULL_DATA = os.environ.get("AECORE_DATA_DIR")  # read now: other tests set it to folders of their own

TRAIN, TEST = 40, 20
FASHION = [file.name for file in DATASETS["fashion_mnist"].files]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", data_dir=tmp_path / "data", keras_dir=tmp_path / "keras")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """MNIST and Fashion-MNIST with few images, so that their files are written in no time."""
    for name in ("mnist", "fashion_mnist"):
        monkeypatch.setitem(DATASETS, name, replace(DATASETS[name], train_size=TRAIN, test_size=TEST))


def arrays(value: int = 0) -> dict[str, np.ndarray]:
    """Images that all have one grey value, and labels in a descending order."""
    return {
        "x_train": np.full((TRAIN, 28, 28), value, np.uint8),
        "y_train": (9 - np.arange(TRAIN) % 10).astype(np.uint8),
        "x_test": np.full((TEST, 28, 28), value, np.uint8),
        "y_test": (9 - np.arange(TEST) % 10).astype(np.uint8),
    }


def write_npz(folder: Path, value: int = 0, changed: dict[str, np.ndarray] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[str, Any] = arrays(value) | (changed or {})
    np.savez_compressed(folder / "mnist.npz", **parts)
    return folder / "mnist.npz"


def idx(array: np.ndarray) -> bytes:
    """The array as an IDX file."""
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_idx(folder: Path, value: int = 0) -> None:
    folder.mkdir(parents=True)
    for name, array in zip(FASHION, arrays(value).values(), strict=True):
        (folder / name).write_bytes(gzip.compress(idx(array), compresslevel=1))


def refusal(name: str, settings: Settings) -> str:
    with pytest.raises(DataMissing) as caught:
        load(name, settings)
    message = str(caught.value)
    assert "\n" not in message
    assert ". " not in message, "more than one sentence"
    return message


# Registry


def test_registry_is_whole():
    for name, dataset in DATASETS.items():
        assert dataset.name == name
        assert len(dataset.classes) == 10
        assert dataset.image_shape == (28, 28, 1)
        for file in dataset.files:
            algorithm, _, digits = file.hash.partition(":")
            assert len(digits) == {"sha256": 64, "md5": 32}[algorithm]


def test_unknown_name_is_bad_input(settings: Settings):
    for function in (lambda: info("cifar"), lambda: status("cifar", settings), lambda: load("cifar", settings)):
        with pytest.raises(BadInput) as caught:
            function()
        assert "cifar" in caught.value.problems["dataset"]
        assert "digits, mnist, fashion_mnist" in caught.value.problems["dataset"]


def test_status_where_nothing_is(settings: Settings):
    for name in ("mnist", "fashion_mnist"):
        missing = status(name, settings)
        assert not missing.available
        assert missing.where is None
        assert settings.data_url in missing.how
        assert str(settings.download_dir) in missing.how
        assert all(file.name in missing.how for file in info(name).files)
    assert str(settings.download_dir / "fashion-mnist") in status("fashion_mnist", settings).how


def test_status_of_digits_and_its_json(settings: Settings):
    digits = status("digits", settings)
    assert digits.available
    assert digits.where == "scikit-learn"
    assert "no download" in digits.how
    assert json.loads(json.dumps(digits.as_json())) == digits.as_json()


# Where files are found


def test_search_order(settings: Settings, small: None):
    assert settings.data_dir
    for value, folder in ((3, settings.download_dir), (2, settings.keras_dir), (1, settings.data_dir)):
        write_npz(folder, value)
        assert status("mnist", settings).where == str(folder)
        assert load("mnist", settings).x_train[0, 0, 0, 0] == value


@pytest.mark.parametrize("folder", ["data/fashion-mnist", "data/fashion_mnist", "keras/fashion-mnist"])
def test_fashion_is_found_in_its_subfolder(settings: Settings, small: None, tmp_path: Path, folder: str):
    write_idx(tmp_path / folder, value=7)
    assert status("fashion_mnist", settings).where == str(tmp_path / folder)
    images = load("fashion_mnist", settings)
    assert images.x_train.shape == (TRAIN, 28, 28, 1)
    assert images.x_test.max() == images.x_test.min() == 7
    assert images.y_train.tolist() == arrays()["y_train"].tolist()


def test_loose_idx_files_are_not_fashion(settings: Settings, small: None, tmp_path: Path):
    write_idx(tmp_path / "data")
    assert not status("fashion_mnist", settings).available


def test_fashion_needs_all_four_files(settings: Settings, small: None, tmp_path: Path):
    write_idx(tmp_path / "data/fashion-mnist")
    (tmp_path / "data/fashion-mnist" / FASHION[2]).unlink()
    assert not status("fashion_mnist", settings).available


def test_missing_says_what_to_do(settings: Settings):
    message = refusal("mnist", settings)
    assert "mnist.npz" in message
    assert str(settings.download_dir) in message
    assert "digits, which needs no download" in message


# Reading


def test_digits():
    images = load("digits", Settings(home=Path("unused")))
    dataset = info("digits")
    assert images.x_train.shape == (dataset.train_size, 28, 28, 1)
    assert images.x_test.shape == (dataset.test_size, 28, 28, 1)
    assert images.x_train.dtype == images.y_train.dtype == np.uint8
    assert images.x_train.min() == 0
    assert images.x_train.max() == 255
    assert set(images.y_test.tolist()) == set(range(10))
    assert "last 360" in dataset.description


def test_arrays_are_read_only_and_cached(settings: Settings, small: None):
    write_npz(settings.keras_dir)
    images = load("mnist", settings)
    assert load("mnist", settings) is images
    for array in (images.x_train, images.y_train, images.x_test, images.y_test):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_a_replaced_file_is_read_again(settings: Settings, small: None):
    path = write_npz(settings.keras_dir, value=1)
    assert load("mnist", settings).x_test.max() == 1
    write_npz(settings.keras_dir, value=2)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000))
    assert load("mnist", settings).x_test.max() == 2


# Damaged files


def damaged(case: str, path: Path) -> bytes:
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    return {
        "empty": b"",
        "text": b"<html>404: not here</html>",
        "truncated": whole[: len(whole) // 2],
        "flipped": bytes(flipped),
        "zip start only": b"PK\x03\x04",
        "gzip": gzip.compress(b"nothing"),
    }[case]


@pytest.mark.parametrize("case", ["empty", "text", "truncated", "flipped", "zip start only", "gzip"])
def test_damaged_npz(settings: Settings, small: None, case: str):
    noise = np.random.default_rng(0).integers(0, 256, (TRAIN, 28, 28), np.uint8)
    path = write_npz(settings.keras_dir, changed={"x_train": noise})
    path.write_bytes(damaged(case, path))
    message = refusal("mnist", settings)
    assert message.startswith(str(path))
    assert message.endswith("delete it and download it again.")


@pytest.mark.parametrize("case", ["empty", "text", "truncated", "flipped", "gzip"])
@pytest.mark.parametrize("name", [FASHION[0], FASHION[3]])
def test_damaged_idx(settings: Settings, small: None, tmp_path: Path, name: str, case: str):
    write_idx(tmp_path / "data/fashion-mnist")
    path = tmp_path / "data/fashion-mnist" / name
    path.write_bytes(damaged(case, path))
    assert refusal("fashion_mnist", settings).startswith(str(path))


def test_idx_with_other_sizes(settings: Settings, small: None, tmp_path: Path):
    write_idx(tmp_path / "data/fashion-mnist")
    for shape in ((TRAIN + 1, 28, 28), (TRAIN, 28, 29), (TRAIN, 784)):
        (tmp_path / "data/fashion-mnist" / FASHION[0]).write_bytes(gzip.compress(idx(np.zeros(shape, np.uint8))))
        assert FASHION[0] in refusal("fashion_mnist", settings)


class Trap:
    """Unpickling it would write a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_pickles_are_never_run(settings: Settings, small: None, tmp_path: Path):
    write_npz(settings.keras_dir, changed={"x_train": np.array([Trap(tmp_path / "trapped")], dtype=object)})
    refusal("mnist", settings)
    assert not (tmp_path / "trapped").exists()


def test_missing_array(settings: Settings, small: None):
    settings.keras_dir.mkdir()
    np.savez(settings.keras_dir / "mnist.npz", x_train=arrays()["x_train"])
    refusal("mnist", settings)


@pytest.mark.parametrize(
    ("part", "array", "found"),
    [
        ("x_train", np.zeros((TRAIN, 28, 28), np.float32), "x_train holds float32 [40, 28, 28]"),
        ("x_train", np.zeros((TRAIN, 28, 27), np.uint8), "x_train holds uint8 [40, 28, 27]"),
        ("x_test", np.zeros((TEST, 784), np.uint8), "x_test holds uint8 [20, 784]"),
        ("y_train", np.zeros(TRAIN - 1, np.uint8), "y_train holds uint8 [39]"),
        ("y_test", np.arange(1, TEST + 1, dtype=np.uint8), "y_test holds labels 1 to 20"),
        ("y_test", np.zeros(TEST, np.uint8), "y_test holds labels 0 to 0"),
    ],
)
def test_arrays_of_another_kind(settings: Settings, small: None, part: str, array: np.ndarray, found: str):
    write_npz(settings.keras_dir, changed={part: array})
    message = refusal("mnist", settings)
    assert found in message
    assert "delete it and download it again" in message


def test_a_file_that_must_not_be_read(settings: Settings, small: None, monkeypatch: pytest.MonkeyPatch):
    def forbidden(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    write_npz(settings.keras_dir)
    monkeypatch.setattr(Path, "open", forbidden)
    assert "Permission denied" in refusal("mnist", settings)


# The images that are shown


def test_preview_is_the_first_of_each_class_in_order():
    settings = Settings(home=Path("unused"))
    images = load("digits", settings)
    shown = preview("digits", settings)
    assert shown.shape == (10, 28, 28)
    assert shown.dtype == np.uint8
    for digit in range(10):
        first = images.y_test.tolist().index(digit)
        assert np.array_equal(shown[digit], images.x_test[first, ..., 0])
    assert preview("digits", settings, count=4).shape == (4, 28, 28)


def test_indices_take_classes_in_turn():
    labels = np.array([2, 0, 0, 1, 0, 2], np.uint8)
    assert preview_indices(labels).tolist() == [1, 3, 0, 2, 5, 4]
    assert preview_indices(labels, 2).tolist() == [1, 3]


def test_fixed_indices_are_balanced_and_fixed():
    labels = load("digits", Settings(home=Path("unused"))).y_test
    chosen = fixed_indices(labels, 25, seed=3)
    assert labels[chosen].tolist() == [*range(10), *range(10), *range(5)]
    assert len(set(chosen.tolist())) == 25
    assert chosen.tolist() == fixed_indices(labels, 25, seed=3).tolist()
    assert chosen[:10].tolist() == fixed_indices(labels, 10, seed=3).tolist()
    assert chosen.tolist() != fixed_indices(labels, 25, seed=4).tolist()
    assert sorted(fixed_indices(labels, 1000, seed=0).tolist()) == list(range(360))


# The real file


@pytest.mark.data
def test_the_complete_mnist(tmp_path: Path):
    if not FULL_DATA or not Path(FULL_DATA, "mnist.npz").is_file():
        pytest.skip("AECORE_DATA_DIR names no folder with mnist.npz")
    images = load("mnist", Settings(home=tmp_path, data_dir=Path(FULL_DATA)))
    assert images.x_test.shape == (10_000, 28, 28, 1)
    # The checksum is known of the published IDX file, with its header.
    assert hashlib.md5(idx(images.x_train[..., 0])).hexdigest() == "6bbc9ace898e44ae57da46a324031adb"
