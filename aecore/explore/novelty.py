"""Reconstruction error as a detector of what was never trained on (Japkowicz, Myers and Gluck, 1995, IJCAI)."""

import functools
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score, roc_curve

from aecore.datasets import evaluation_images, images_of
from aecore.datasets.evaluation import as_floats
from aecore.errors import BadInput
from aecore.explore.inputs import Line
from aecore.messages.jobs import RECONSTRUCT
from aecore.runs.data import Data
from aecore.runs.runs import Runs
from aecore.schema import RunConfig
from aecore.store.views import RunView

MOST_COMPONENTS = 200
LARGE, FEW_EPOCHS = 10_000, 6  # training images; passes over more than so many take long enough
TRAINABLE = ("stacked", "vanilla")


@dataclass(frozen=True, eq=False)
class Detector:
    """Errors of held-out images as alarms.

    Attributes:
        errors: float64 [n], mean squared error of an image's pixels; a higher one is more novel.
        novel: bool [n], whether the image is of the class left out.
    """

    errors: np.ndarray
    novel: np.ndarray

    @property
    def area(self) -> float:
        """Area under the ROC curve: how often a novel image has a higher error than a known one; 0.5 is chance."""
        return float(roc_auc_score(self.novel, self.errors))

    @property
    def uncertainty(self) -> float:
        """Standard error of the area over other held-out images (DeLong et al., 1988, Biometrics 44)."""
        novel, known = self.errors[self.novel], self.errors[~self.novel]
        return float(np.sqrt(_spread(_above(novel, known)) + _spread(_above(known, novel))))

    def roc(self) -> tuple[np.ndarray, np.ndarray]:
        """Shares of known images that raise an alarm and of novel ones that do, for every threshold."""
        false, true, _ = roc_curve(self.novel, self.errors)
        return false, true

    def threshold(self, false_alarms: float) -> float:
        """The lowest threshold above which at most this share of the known images lies."""
        known = np.sort(self.errors[~self.novel])[::-1]
        return float(known[min(int(false_alarms * len(known) + 1e-9), len(known) - 1)])

    def confusion(self, threshold: float) -> dict[str, int]:
        """How many images there are of each kind: `hits`, `missed`, `false_alarms`, `passed`."""
        alarm = self.errors > threshold
        return {
            "hits": int((alarm & self.novel).sum()),
            "missed": int((~alarm & self.novel).sum()),
            "false_alarms": int((alarm & ~self.novel).sum()),
            "passed": int((~alarm & ~self.novel).sum()),
        }


@dataclass(frozen=True, eq=False)
class Examined:
    """Held-out images through a run that has not seen one class of them.

    Attributes:
        images: float32 [n, h, w, 1], as the run is measured on them, without noise.
        outputs: the same shape, what came back.
        labels: uint8 [n], their classes.
        left_out: the class that was not trained on.
        detector: the run's.
    """

    images: np.ndarray
    outputs: np.ndarray
    labels: np.ndarray
    left_out: int
    detector: Detector


class Novelty:
    """Runs with a class left out as detectors of it.

    Args:
        runs: runs and pretrained models, with their weights and results.
        data: the datasets.
    """

    def __init__(self, runs: Runs, data: Data):
        self._runs, self._data = runs, data
        self._line = functools.lru_cache(maxsize=8)(self._fitted)

    def suits(self, run: RunView) -> bool:
        """Whether a run learnt images with a class left out."""
        return run.config.hyper.modality == "images" and run.config.image_hyper.left_out != "none"

    def config(self, variant: str, dataset: str, left_out: str) -> RunConfig:
        """A small run for this purpose: the preset for digits, with fewer passes over larger datasets.

        Raises:
            BadInput: there is no such variant or class.
        """
        large = self._data.dataset(dataset).train_size > LARGE
        return RunConfig.make(
            variant, dataset, "quick", {"left_out": left_out} | ({"epochs": FEW_EPOCHS} if large else {})
        )

    def examine(self, name: str) -> Examined:
        """All held-out images through a run.

        Raises:
            BadInput: no class was left out of it.
            DataMissing: its dataset is not here.
            StorageError, WorkerLost: as `aecore.runs.runs.Runs.infer`.
        """
        run = self._runs.run(name)
        if not self.suits(run):
            raise BadInput(f"The run {name} was trained on all classes: choose one with a class left out.")
        images = evaluation_images(images_of(run.config, self._data.settings), run.config.image_hyper)
        clean, left_out = as_floats(images.x_test), int(run.config.image_hyper.left_out)
        outputs = np.clip(np.nan_to_num(self._runs.infer(name, RECONSTRUCT, images=clean)["images"]), 0, 1)
        detector = Detector(errors_of(clean, outputs), images.y_test == left_out)
        return Examined(clean, outputs.astype(np.float32), images.y_test, left_out, detector)

    def linear(self, config: RunConfig, components: int) -> tuple[Detector, int]:
        """PCA's reconstruction error as the detector, and on how many images it was fitted: those the run was given.

        Args:
            config: of the run.
            components: how many principal components are kept.

        Raises:
            DataMissing: its dataset is not here.
        """
        images = evaluation_images(images_of(config, self._data.settings), config.image_hyper)
        line = self._line(config)
        clean = as_floats(images.x_test)
        novel = images.y_test == int(config.image_hyper.left_out)
        return Detector(errors_of(clean, line(clean, components)), novel), line.images

    def _fitted(self, config: RunConfig) -> Line:
        images = evaluation_images(images_of(config, self._data.settings), config.image_hyper)
        return Line.fit(config.dataset, images.x_train)


def _above(errors: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each error [n] the share of the others [m] that lies below it; equal ones count half."""
    others = np.sort(others)
    return (np.searchsorted(others, errors, "left") + np.searchsorted(others, errors, "right")) / (2 * len(others))


def _spread(shares: np.ndarray) -> float:
    """Variance of their mean."""
    return float(shares.var(ddof=1)) / len(shares) if len(shares) > 1 else 0.0


def errors_of(images: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Mean squared error of each image's pixels, float64 [n]."""
    return np.square(images - outputs, dtype=np.float32).reshape(len(images), -1).mean(axis=1, dtype=np.float64)
