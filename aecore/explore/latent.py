"""What the page Latent space asks: where held-out images lie in a run's code and in PCA, and what lies between them."""

from dataclasses import dataclass, replace

import numpy as np

from aecore import datasets
from aecore.analysis import neighbours
from aecore.analysis.baseline import LinearBaseline
from aecore.analysis.neighbours import SpaceMetrics
from aecore.datasets.evaluation import as_floats, corrupted_train
from aecore.errors import BadInput, DataMissing
from aecore.messages.jobs import DECODE, ENCODE
from aecore.runs.data import Data
from aecore.runs.runs import Runs
from aecore.schema import RunConfig

SCORED = ("finished", "stopped", "pretrained")


@dataclass(frozen=True, eq=False)
class Points:
    """Held-out images in a run's code.

    Attributes:
        positions: of the images among those held out, int32 [n].
        labels: their classes, uint8 [n].
        codes: float32 [n, units].
        images: uint8 [n, h, w], or None where the dataset is not on this machine.
        total: how many held-out images there are to choose from.
    """

    positions: np.ndarray
    labels: np.ndarray
    codes: np.ndarray
    images: np.ndarray | None
    total: int

    def row(self, position: int | None) -> int | None:
        """The row of a held-out image, or None where it is not among the points."""
        found = np.flatnonzero(self.positions == position) if position is not None else []
        return int(found[0]) if len(found) else None


class Latent:
    """Explores the codes of runs.

    Args:
        runs: runs and pretrained models, with their weights and results.
        data: the datasets.
    """

    def __init__(self, runs: Runs, data: Data):
        self._runs, self._data = runs, data

    def here(self, name: str) -> bool:
        """Whether the dataset of a run is on this machine."""
        return self._data.dataset(self._runs.run(name).config.dataset).available

    def available(self, name: str) -> int:
        """How many held-out images of a run can be shown: all of them, or those whose codes are shipped.

        Raises:
            DataMissing: neither is on this machine.
        """
        if self.here(name):
            return len(self._images(self._runs.run(name).config).y_test)
        return len(self._pretrained(name)["labels"])

    def points(self, name: str, count: int, seed: int = 0) -> Points:
        """Held-out images and their codes by the run's newest weights.

        The images are drawn at random with the classes in turns; seed 0 draws those that are shipped with models,
        and the first ones of a draw are the same however many follow.

        Args:
            name: the run, or the pretrained model.
            count: how many at most.
            seed: start of the random numbers, at least 0.

        Raises:
            BadInput: there is no such run, it has no weights yet, or its codes are not numbers.
            DataMissing: the dataset is not on this machine, and no codes are shipped.
            WorkerLost: the worker cannot be reached.
        """
        if self.here(name):
            found = self._encoded(name, count, seed)
        else:
            parts = self._pretrained(name)
            chosen = np.arange(len(parts["labels"]))
            if seed:
                chosen = np.random.default_rng(seed).permutation(chosen)
            parts = {part: array[chosen[:count]] for part, array in parts.items()}
            total = self._runs.run(name).test_size
            found = Points(parts["indices"], parts["labels"], _floats(parts["codes"]), None, total)
        if not np.isfinite(found.codes).all():
            raise BadInput(f"The codes of {name} are not numbers, for its training diverged: choose another run.")
        return found

    def linear(self, name: str, positions: np.ndarray) -> np.ndarray:
        """Principal components of images, as many as the run's code has units, as the scorecard's baseline has them.

        They are fitted on the training images as the run's model is shown them.

        Args:
            name: the run, or the pretrained model.
            positions: of the images among those held out, int [n].

        Returns:
            float32 [n, components].

        Raises:
            DataMissing: the dataset is not on this machine, and the components are not shipped.
        """
        if self._runs.run(name).status == "pretrained":
            parts = self._pretrained(name)
            rows = {int(position): row for row, position in enumerate(parts["indices"])}
            if all(int(position) in rows for position in positions):
                return _floats(parts["pca_codes"][[rows[int(position)] for position in positions]])
        config = self._runs.run(name).config
        images = datasets.evaluation_images(self._images(config), config.image_hyper)
        noisy = config.image_hyper.noise != "none"
        source = corrupted_train(images, config.image_hyper) if noisy else as_floats(images.x_train)
        baseline = LinearBaseline.fit(source, None, config.image_hyper.code_units)
        return baseline.encode(datasets.corrupted_test(images, config.image_hyper)[positions])

    def decode(self, name: str, codes: np.ndarray) -> np.ndarray:
        """What the run's newest weights draw at codes float32 [n, units]: uint8 [n, h, w].

        Raises:
            BadInput, StorageError, WorkerLost: see `aecore.runs.runs.Runs.infer`.
        """
        answer = self._runs.infer(name, DECODE, codes=np.ascontiguousarray(codes, np.float32))
        return datasets.as_pixels(answer["images"][..., 0])

    def metrics(self, name: str, space: np.ndarray, points: Points, pca: bool = False) -> SpaceMetrics:
        """How well a run's code, or PCA at its size, keeps classes and neighbours together.

        Where the run's scorecard has a figure it is taken from there: of all held-out images, with the training
        images' codes as neighbours. The others are computed on the first 2,000 of the points at most.

        Args:
            name: the run, or the pretrained model.
            space: codes or components float32 [n, units] of the points.
            points: see `points`.
            pca: whether `space` holds principal components.
        """
        found = neighbours.space_metrics(space, points.labels, points.images)
        run = self._runs.run(name)
        if run.status not in SCORED:
            return found
        scores = {metric: run.metrics.get(f"pca_{metric}" if pca else metric)
                  for metric in ("knn5_accuracy", "trustworthiness")}  # fmt: skip
        scores = {metric: float(score) for metric, score in scores.items() if score is not None}
        return replace(found, **scores, from_scorecard=tuple(scores))

    def _encoded(self, name: str, count: int, seed: int) -> Points:
        run = self._runs.run(name)
        images = datasets.evaluation_images(self._images(run.config), run.config.image_hyper)
        total = len(images.y_test)
        chosen = datasets.fixed_indices(images.y_test, min(count, total), seed + 1)  # 1 is the seed of those shipped
        codes = None
        if run.status == "pretrained" and not seed:
            parts = self._pretrained(name)
            if len(chosen) <= len(parts["indices"]) and (parts["indices"][: len(chosen)] == chosen).all():
                codes = _floats(parts["codes"][: len(chosen)])  # of just these images, and no worker has to start
        if codes is None:
            corrupted = datasets.corrupted_test(images, run.config.image_hyper)[chosen]
            codes = self._runs.infer(name, ENCODE, images=corrupted)["codes"].astype(np.float32)
        return Points(chosen.astype(np.int32), images.y_test[chosen], codes, images.x_test[chosen, ..., 0], total)

    def _images(self, config: RunConfig) -> datasets.Images:
        return datasets.images_of(config, self._data.settings)

    def _pretrained(self, name: str) -> dict[str, np.ndarray]:
        codes = self._runs.held_out_codes(name)
        if codes is not None:
            return codes
        status = self._data.dataset(self._runs.run(name).config.dataset)
        raise DataMissing(f"{status.title}, on which {name} was trained, is not on this machine. {status.how}")


def _floats(codes: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(codes, np.float32)
