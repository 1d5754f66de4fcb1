"""Pretrained models: read-only runs that lie in a folder each, checked against their manifest when they are opened."""

import contextlib
import functools
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from aecore.errors import AecoreError, BadInput, StorageError
from aecore.files import pack_arrays
from aecore.messages.events import Device, EpochDone
from aecore.schema import RunConfig
from aecore.store.arrays import read_arrays
from aecore.store.views import Curve, RunView, SnapshotView

FORMAT = 1
OPEN = 64  # pretrained models that stay opened
CODES, LONG_CODE = ("codes", "pca_codes"), 256
UNKNOWN = Device("cpu", "device not known", "")
MANIFEST = "manifest.json"
REQUIRED_METRICS = {
    "images": ("mse", "pca_mse", "knn5_accuracy", "pca_knn5_accuracy"),
    "sentences": ("separation_auc", "untrained_auc", "word_accuracy"),
}
FIXED_ARRAYS = ("labels", "indices")
CHANGING_ARRAYS = {
    "images": ("outputs", "codes", "tiles", "tiles_scale"),
    "sentences": ("codes", "tiles", "tiles_scale"),
}
COMMON_FILES = ("config.json", "history.json", "scorecard.json", "weights.npz", "timeline.npz")
KEPT = ("language", "similarity", "baselines", "map")  # of sentences: see `aecore.training.sentence_score`
OWN_FILES = {"images": ("held_out.npz",), "sentences": tuple(f"kept-{what}.npz" for what in KEPT)}
FILES = (*COMMON_FILES, *(name for names in OWN_FILES.values() for name in names))


@dataclass(frozen=True)
class Bundle:
    """A pretrained model.

    Attributes:
        run: its configuration and figures, as those of any run.
        curve: its losses.
        positions: when its snapshots were taken, in epochs.
        folder: where its files lie.
    """

    run: RunView
    curve: Curve
    positions: tuple[float, ...]
    folder: Path

    def snapshot(self, position: float | None) -> SnapshotView | None:
        """The newest snapshot at or before a position in epochs; held-out images themselves are not shipped."""
        shown = [k for k, taken in enumerate(self.positions) if position is None or taken <= position + 1e-9]
        if not shown:
            return None
        arrays = self.part("timeline.npz")
        fixed = {name: arrays.pop(name) for name in FIXED_ARRAYS}
        scale = arrays.pop("tiles_scale")[shown[-1]]
        changing = {name: array[shown[-1]] for name, array in arrays.items() if name != "positions"}
        changing["tiles"] = changing["tiles"].astype(np.float16) * scale
        return SnapshotView(self.positions[shown[-1]], fixed | changing)

    def weights(self) -> list[np.ndarray]:
        """The model's variables in their order."""
        arrays = self.part("weights.npz")
        return [arrays[str(k)].astype(np.float32) for k in range(len(arrays))]

    def held_out(self) -> dict[str, np.ndarray]:
        """Of 2,000 held-out images: `codes` and `pca_codes` [n, units], `labels` [n], `indices` [n] in the dataset."""
        arrays = self.part("held_out.npz")
        for name in CODES:
            scale = arrays.pop(f"{name}_scale", None)
            if scale is not None:
                arrays[name] = arrays[name].astype(np.float32) * scale
        return arrays

    def kept(self, what: str) -> dict[str, np.ndarray]:
        """Arrays that the run kept under a name; empty where there are none."""
        file = f"kept-{what}.npz"
        return self.part(file) if file in _manifest(self.folder) else {}

    def part(self, file: str) -> dict[str, np.ndarray]:
        """The arrays of one of its files as they lie there."""
        return read_arrays(_checked(self.folder, _manifest(self.folder), file))


class PretrainedModels:
    """The folder of pretrained models; each is checked once, and again when its files have changed.

    Args:
        folder: holds a folder for each model; it need not exist.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def __contains__(self, name: str) -> bool:
        return name in self.names()

    def names(self) -> list[str]:
        """The models' names; whether each can be opened is told by `bundle`."""
        try:
            entries = sorted(os.scandir(self._folder), key=lambda entry: entry.name)
        except OSError:  # there is none, or it must not be read: then there is nothing to offer
            return []
        return [entry.name for entry in entries if entry.is_dir() and entry.name[0] not in "._"]

    def bundle(self, name: str) -> Bundle:
        """A pretrained model.

        Raises:
            BadInput: there is none of that name.
            StorageError: one of its files is missing, or is not what was shipped.
        """
        if name not in self:
            raise BadInput({"run": f"There is no pretrained model '{name}'."})
        opened = _opened(self._folder / name, _file_version(self._folder / name))
        if isinstance(opened, StorageError):
            raise opened
        return opened

    def runs(self) -> list[RunView]:
        """The models that can be opened, as runs."""
        found = [self._opened_or_error(name) for name in self.names()]
        return [bundle.run for bundle in found if isinstance(bundle, Bundle)]

    def problems(self) -> list[str]:
        """What is wrong with the others, a sentence each."""
        found = [self._opened_or_error(name) for name in self.names()]
        return [str(error) for error in found if isinstance(error, StorageError)]

    def _opened_or_error(self, name: str) -> Bundle | StorageError:
        try:
            return self.bundle(name)
        except StorageError as error:
            return error


def open_bundle(folder: Path) -> Bundle:
    """Opens the bundle in a folder.

    Raises:
        StorageError: one of its files is missing, is not what was shipped, or cannot be read.
    """
    manifest = _manifest(folder)
    parts = {name: _checked(folder, manifest, name) for name in manifest}
    try:
        config = RunConfig.from_json(json.loads(parts["config.json"]))
        if config.preset is not None and config.preset not in config.hyper.presets:
            raise ValueError(f"there is no preset '{config.preset}'")
        modality = config.hyper.modality
        lacking = [name for name in OWN_FILES[modality] if name not in parts]
        if lacking:
            raise ValueError(f"there is no {lacking[0]}")
        score, history = json.loads(parts["scorecard.json"]), json.loads(parts["history.json"])
        epochs = tuple(EpochDone(**epoch) for epoch in history["epochs"])
        curve = Curve(epochs, tuple((float(position), float(loss)) for position, loss in history["ticks"]))
        positions = _positions(read_arrays(parts["timeline.npz"]), CHANGING_ARRAYS[modality])
        missing = [name for name in REQUIRED_METRICS[modality] if not isinstance(score["metrics"].get(name), float)]
        if missing:
            raise ValueError(f"there is no {missing[0]} among the figures")
        run = RunView(
            id=folder.name, config=config, status="pretrained", message="", attempt=1,
            created=datetime.fromisoformat(score["created"]), updated=datetime.fromisoformat(score["created"]),
            position=float(len(epochs)), stage="", phase="", total_epochs=config.hyper.total_epochs,
            learning_rate=epochs[-1].learning_rate, samples_per_second=epochs[-1].samples_per_second,
            device=Device(**score["device"]), parameters=score["parameters"], train_size=score["train_size"],
            test_size=score["test_size"], baseline_loss=score["baseline_loss"], metrics=score["metrics"],
        )  # fmt: skip
    except (AecoreError, KeyError, TypeError, ValueError, IndexError) as error:
        raise StorageError(_refused(folder, f"its files do not belong together ({error})")) from None
    return Bundle(run, curve, positions, folder)


def shortened(held_out: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What `Bundle.held_out` returns, with codes of more than 256 units in eight bits on one scale."""
    found = dict(held_out)
    for name in CODES:
        if found[name].shape[1] > LONG_CODE:
            codes = found[name].astype(np.float32)
            scale = max(float(np.abs(codes).max()), 1e-12) / 127
            found[name], found[f"{name}_scale"] = np.round(codes / scale).astype(np.int8), np.asarray(scale, np.float32)
    return found


def write_bundle(folder: Path, run: RunView, curve: Curve, arrays: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Writes a bundle, its manifest last.

    Args:
        folder: its name is the model's.
        run: a finished run, with the metrics that are shipped.
        curve: its losses.
        arrays: what the files named .npz hold; see `Bundle`.

    Raises:
        StorageError: it cannot be written.
    """
    score = {
        "created": run.created.isoformat(), "device": asdict(run.device or UNKNOWN),
        "parameters": run.parameters, "train_size": run.train_size, "test_size": run.test_size,
        "baseline_loss": run.baseline_loss, "metrics": run.metrics,
    }  # fmt: skip
    history = {"epochs": [asdict(epoch) for epoch in curve.epochs], "ticks": curve.ticks}
    parts = {"config.json": _json(run.config.to_json()), "history.json": _json(history), "scorecard.json": _json(score)}
    parts |= {name: pack_arrays(content) for name, content in arrays.items()}
    manifest = {
        "format": FORMAT,
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in parts.items()
        },
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in {**parts, MANIFEST: _json(manifest)}.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise StorageError(f"{folder} cannot be written to ({error.strerror}).") from None


def _positions(timeline: Mapping[str, np.ndarray], changing: tuple[str, ...]) -> tuple[float, ...]:
    """When the snapshots of a timeline were taken, if it holds all that belongs to one."""
    positions = tuple(float(position) for position in timeline["positions"])
    for name in (*FIXED_ARRAYS, *changing):
        if name in changing and len(timeline[name]) != len(positions):
            raise ValueError(f"{name} of the timeline has another length")
    return positions


@functools.lru_cache(maxsize=OPEN)
def _opened(folder: Path, version: tuple) -> Bundle | StorageError:
    """A folder's bundle, opened once while its files stay the same, or why it cannot be opened."""
    del version
    try:
        return open_bundle(folder)
    except StorageError as error:
        return error


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if manifest["format"] != FORMAT:
            raise StorageError(_refused(folder, f"its format is {manifest['format']}, and {FORMAT} can be read"))
        listed = {name: manifest["files"][name]["sha256"] for name in COMMON_FILES}
        return listed | {name: file["sha256"] for name, file in manifest["files"].items() if name in FILES}
    except OSError as error:
        raise StorageError(_refused(folder, f"{MANIFEST} cannot be read ({error.strerror})")) from None
    except (KeyError, TypeError, ValueError):
        raise StorageError(_refused(folder, f"{MANIFEST} is not what was shipped")) from None


def _checked(folder: Path, manifest: dict[str, str], name: str) -> bytes:
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise StorageError(_refused(folder, f"{name} cannot be read ({error.strerror})")) from None
    if hashlib.sha256(data).hexdigest() != manifest[name]:
        raise StorageError(_refused(folder, f"{name} is not what was shipped"))
    return data


def _refused(folder: Path, reason: str) -> str:
    return (
        f"The pretrained model {folder.name} is not offered: {reason}. Restore {folder}, or train the project's own "
        "models again with 'make checkpoints'."
    )


def _file_version(folder: Path) -> tuple:
    """What changes when one of the files does."""
    found = []
    for name in (MANIFEST, *FILES):
        with contextlib.suppress(OSError):
            stat = (folder / name).stat()
            found.append((name, stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode()
