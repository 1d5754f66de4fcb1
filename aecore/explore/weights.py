"""The weights of a model, what its units do for held-out images, and its feature maps of one image."""

from dataclasses import dataclass

import numpy as np

from aecore import datasets
from aecore.analysis.units import UnitStatistics, unit_statistics
from aecore.datasets.evaluation import coded
from aecore.errors import DataMissing
from aecore.messages.jobs import DECODE, LAYERS, Operation
from aecore.runs.data import Data
from aecore.runs.runs import Runs
from aecore.store.views import RunView

IMAGES = 2000  # held-out ones that units are watched on
RAW_CODES = 256  # units; of longer codes a snapshot keeps principal components only
SHORTENED = " Codes of pretrained models are kept in eight bits, so activity below {:.2g} counts as none."


@dataclass(frozen=True)
class LayerInfo:
    """A layer that can be looked into; see `aecore.models.layers.Layer`.

    Attributes:
        name: "encoder_1" and so on, from the image; "decoder_1" and so on, from the code.
        convolutional: whether its units are maps.
        units: how many there are.
        shape: (height, width, channels) of a unit's weights where they belong.
        code: whether its units are those of the code.
    """

    name: str
    convolutional: bool
    units: int
    shape: tuple[int, int, int]
    code: bool

    @property
    def encoding(self) -> bool:
        """Whether it belongs to the encoder: its pictures are then what a unit looks for, else what it draws."""
        return self.name.startswith("encoder")

    @property
    def title(self) -> str:
        """The layer in words."""
        side, _, number = self.name.partition("_")
        what = f"{self.units} filters" if self.convolutional and self.encoding else (
            f"{self.units} maps" if self.convolutional else f"{self.units} units"
        )  # fmt: skip
        return f"{side.capitalize()}, layer {number}: {what}{', the code' if self.code else ''}"


@dataclass(frozen=True)
class LayerWeights:
    """The weights of a layer.

    Attributes:
        matrix: float32 [units, weights of a unit].
        pictures: float32 [units, h, w, c].
    """

    matrix: np.ndarray
    pictures: np.ndarray


@dataclass(frozen=True)
class Activity:
    """What the units of a layer do.

    Attributes:
        values: float32 [n, units]; of a map its mean.
        images: uint8 [n, h, w], what the model was shown, or where it is not here, the model's own decodings.
        labels: [n] classes.
        decoded: whether the images are decodings.
        note: on what it was measured, in one or two sentences.
        statistics: how the units share the work.
    """

    values: np.ndarray
    images: np.ndarray
    labels: np.ndarray
    decoded: bool
    note: str
    statistics: UnitStatistics


class Weights:
    """Asks the worker about layers; every answer is that of the run's newest weights.

    Args:
        runs: runs and pretrained models, with their weights and results.
        data: the datasets.
    """

    def __init__(self, runs: Runs, data: Data):
        self._runs, self._data = runs, data

    def layers(self, name: str) -> list[LayerInfo]:
        """The layers of a run's model, from the image to the code and back; none where they cannot be drawn.

        Raises:
            BadInput, StorageError, WorkerLost: see `aecore.runs.runs.Runs.infer`.
        """
        sizes = self._runs.infer(name, LAYERS)
        last = max((layer for layer in sizes if layer.startswith("encoder")), key=_number, default="")
        return [
            LayerInfo(layer, bool(size[0]), int(size[1]), (int(size[2]), int(size[3]), int(size[4])),
                      layer in (last, "decoder_1"))
            for layer, size in sizes.items()
        ]  # fmt: skip

    def of(self, name: str, layer: str) -> LayerWeights:
        """The weights of a layer.

        Raises:
            BadInput, StorageError, WorkerLost: see `aecore.runs.runs.Runs.infer`.
        """
        return LayerWeights(**self._runs.infer(name, Operation("weights", layer)))

    def activity(self, name: str, layer: LayerInfo) -> Activity:
        """What the units of a layer do for held-out images.

        These are 2,000 held-out images where the dataset is on this machine. Elsewhere, what is known are codes
        of held-out images: 2,000 that are shipped with a model, or those of a run's newest snapshot. They tell the
        activity of the code itself; other layers are shown the images that the model decodes from these codes.

        Raises:
            DataMissing: neither images nor codes are here.
            BadInput, StorageError, WorkerLost: see `aecore.runs.runs.Runs.infer`.
        """
        run = self._runs.run(name)
        try:
            return self._on_images(run, layer)
        except DataMissing:
            return self._on_codes(run, layer)

    def maps(self, name: str, layer: str, images: np.ndarray) -> np.ndarray:
        """Maps float32 [n, h, w, units] of a convolutional layer for images float32 [n, h, w, c].

        Raises:
            BadInput, StorageError, WorkerLost: see `aecore.runs.runs.Runs.infer`.
        """
        return self._runs.infer(name, Operation("maps", layer), images=images)["maps"]

    def one_of_each_class(self, name: str) -> tuple[np.ndarray, tuple[str, ...], str]:
        """A held-out image of each class as the model is shown it; of digits where its own dataset is not here.

        Returns:
            float32 [n, h, w, c], the names of the classes, and the title of the dataset.
        """
        config = self._runs.run(name).config
        dataset = config.dataset
        try:
            images = datasets.images_of(config, self._data.settings)
        except DataMissing:
            dataset = "digits"
            images = datasets.load(dataset, self._data.settings)
        images = datasets.evaluation_images(images, config.image_hyper)
        chosen = datasets.preview_indices(images.y_test, len(self._data.classes(dataset)))
        corrupted = datasets.corrupted_test(images, config.image_hyper)[
            chosen
        ]  # the noise of an image is that of its place
        return corrupted, self._data.classes(dataset), self._data.dataset(dataset).title

    def _on_images(self, run: RunView, layer: LayerInfo) -> Activity:
        images = datasets.evaluation_images(datasets.images_of(run.config, self._data.settings), run.config.image_hyper)
        chosen = coded(images, IMAGES)
        corrupted = datasets.corrupted_test(images, run.config.image_hyper)[chosen]
        values = self._runs.infer(run.id, Operation("activity", layer.name), images=corrupted)["activity"]
        noisy = ", as the model is shown them" if run.config.image_hyper.noise != "none" else ""
        note = f"Measured on {len(chosen):,} held-out images{noisy}."
        return Activity(
            values, datasets.as_pixels(corrupted[..., 0]), images.y_test[chosen], False, note, unit_statistics(values)
        )

    def _on_codes(self, run: RunView, layer: LayerInfo) -> Activity:
        codes, labels, scale = self._codes(run)
        images = self._runs.infer(run.id, DECODE, codes=codes)["images"]
        title = self._data.dataset(run.config.dataset).title
        if layer.code:
            values = codes
            if layer.convolutional:
                values = codes.reshape(len(codes), -1, layer.units).mean(axis=1)
            note = f"Measured on the codes of {len(codes):,} held-out images; {title} itself is not on this machine."
            note += SHORTENED.format(scale / 2) if scale else ""
        else:
            values = self._runs.infer(run.id, Operation("activity", layer.name), images=images)["activity"]
            note = (
                f"{title} is not on this machine, so this layer was shown what the model itself decodes from the codes "
                f"of {len(codes):,} held-out images: cleaner than the images were."
            )
        return Activity(values, datasets.as_pixels(images[..., 0]), labels, True, note, unit_statistics(values))

    def _codes(self, run: RunView) -> tuple[np.ndarray, np.ndarray, float]:
        """Codes of held-out images, their labels, and the step between values where they are kept in eight bits."""
        held_out = self._runs.held_out_codes(run.id)
        if held_out is not None:
            codes = held_out["codes"].astype(np.float32)
            step = float(np.abs(codes).max() / 127) if codes.shape[1] > RAW_CODES else 0.0
            return codes, held_out["labels"], step
        snapshot = self._runs.snapshot(run.id)
        if snapshot is None or run.config.hyper.code_units > RAW_CODES:
            title = self._data.dataset(run.config.dataset).title
            raise DataMissing(f"{title} is not on this machine, and without its images units cannot be watched.")
        return snapshot.arrays["codes"].astype(np.float32), snapshot.arrays["labels"], 0.0


def _number(name: str) -> int:
    return int(name.partition("_")[2])
