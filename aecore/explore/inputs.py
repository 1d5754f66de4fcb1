"""One input through every model, beside PCA, a median filter and non-local means, at one noise or over a sweep."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from aecore.analysis.baseline import LinearBaseline
from aecore.analysis.images import reconstruction_metrics
from aecore.datasets import corrupt, fixed_indices, load
from aecore.datasets.evaluation import as_floats
from aecore.errors import BadInput, DataMissing
from aecore.images.upload import Picture, Step, drawn, read_picture, steps_to_digit
from aecore.messages.jobs import RECONSTRUCT
from aecore.runs.data import Data
from aecore.runs.runs import Runs
from aecore.schema import ImageConfig
from aecore.schema.dense import Vanilla

PCA, MEDIAN, MEANS = "PCA", "median filter", "non-local means"
BASELINES = (PCA, MEDIAN, MEANS)
FITTED_ON = 20_000  # training images, at most: more change PCA's axes hardly and take the memory of a small machine
MEANS_STRENGTH = 0.8  # of the noise's standard deviation (Buades et al. as scikit-image has it)
SWEPT_IMAGES, SWEPT_DRAWS, SWEPT_STRENGTHS = 64, 16, tuple(round(k / 8, 3) for k in range(9))


@dataclass(frozen=True, eq=False)
class Line:
    """PCA with all of its components.

    Attributes:
        dataset: whose training images it was fitted on.
        images: how many of them.
        baseline: of as many components as there are pixels.
    """

    dataset: str
    images: int
    baseline: LinearBaseline

    @classmethod
    def fit(cls, dataset: str, train: np.ndarray) -> "Line":
        """Fits it on the first 20,000 of training images uint8 [n, h, w, 1] at most."""
        few = as_floats(train[:FITTED_ON])
        return cls(dataset, len(few), LinearBaseline.fit(few, None, few[0].size))

    def __call__(self, images: np.ndarray, components: int) -> np.ndarray:
        """Images float32 [n, h, w, 1] from so many components."""
        codes = self.baseline.encode(images)[:, :components]
        found = codes @ self.baseline.way_back[: codes.shape[1]] + self.baseline.mean
        return np.clip(found, 0, 1).reshape(images.shape).astype(np.float32)


@dataclass(frozen=True)
class Point:
    """One point of a sweep.

    Attributes:
        method: run or baseline.
        strength: standard deviation of the noise, or share of pixels hit.
        psnr: in dB, averaged over the images.
        ssim: averaged over the images.
    """

    method: str
    strength: float
    psnr: float
    ssim: float


class Inputs:
    """What is made of an input; see the module.

    Args:
        runs: runs and pretrained models, with their weights and results.
        data: the datasets.
    """

    def __init__(self, runs: Runs, data: Data):
        self._runs, self._data = runs, data
        self._line = functools.lru_cache(maxsize=2)(self._fitted)

    def from_file(self, data: bytes) -> tuple[Picture, tuple[Step, ...]]:
        """A picture from a file, and the steps that make a digit of it.

        Raises:
            BadInput: it cannot be used; the sentence says why.
        """
        picture = read_picture(data)
        return picture, steps_to_digit(picture)

    def from_drawing(self, canvas: np.ndarray) -> tuple[Step, ...]:
        """The steps from a drawing pad uint8 [h, w, 4] to a digit; none where nothing was drawn."""
        picture = drawn(canvas)
        return () if picture is None else steps_to_digit(picture)

    def digit(self, dataset: str, number: int) -> tuple[np.ndarray, int]:
        """A held-out image float32 [28, 28, 1] by its position, and its class.

        Raises:
            BadInput, DataMissing: the dataset is not here, or has no such image.
        """
        images = load(dataset, self._data.settings)
        if not 0 <= number < len(images.x_test):
            raise BadInput(f"{dataset} has the held-out images 0 to {len(images.x_test) - 1}; received {number}.")
        return as_floats(images.x_test[number]), int(images.y_test[number])

    def as_mnist(self, digit: np.ndarray) -> tuple[Step, ...]:
        """The steps from an image float32 [28, 28, 1] to one that is scaled and centred as MNIST's are."""
        return steps_to_digit(Picture(digit[..., 0]))

    def noise(self, noise_type: str, strength: float, mean: float = 0.0, clip: bool = True) -> ImageConfig:
        """A corruption by its kind and strength: standard deviation or share of pixels hit.

        Raises:
            BadInput: there is no such noise.
        """
        amount = {"noise_std": strength} if noise_type == "gaussian" else {"noise_fraction": min(1.0, strength)}
        return Vanilla.make(values={"noise": noise_type, "noise_mean": mean, "clip": clip, **amount})

    def corrupted(self, images: np.ndarray, noise: ImageConfig, seed: int) -> np.ndarray:
        """Images float32 [n, h, w, 1] with noise."""
        return corrupt(images, noise, seed)

    def line(self, dataset: str) -> Line:
        """PCA of a dataset's training images, or of the digits where that dataset is not here."""
        try:
            return self._line(dataset)
        except (DataMissing, BadInput):
            return self._line("digits")

    def reconstructed(self, run: str, corrupted: np.ndarray) -> np.ndarray:
        """What a run makes of images float32 [n, 28, 28, 1], cut to [0, 1].

        Raises:
            BadInput, StorageError, WorkerLost: as `aecore.runs.runs.Runs.infer`.
        """
        found = self._runs.infer(run, RECONSTRUCT, images=np.ascontiguousarray(corrupted, np.float32))["images"]
        return np.clip(np.nan_to_num(found), 0, 1).astype(np.float32)

    def baseline(self, name: str, clean: np.ndarray, corrupted: np.ndarray, line: Line, components: int) -> np.ndarray:
        """What a baseline makes of images.

        Args:
            name: one of `BASELINES`.
            clean: float32 [n, h, w, 1]; only non-local means looks at them, to be told how strong the noise is.
            corrupted: the same with noise.
            line: PCA.
            components: how many of its components are used.
        """
        if name == PCA:
            return line(corrupted, components)
        if name == MEDIAN:
            from scipy.ndimage import median_filter

            return np.clip(median_filter(corrupted, size=(1, 3, 3, 1)), 0, 1)
        from aecore.analysis.denoisers import non_local_means  # scikit-image's restoration takes a while to load

        sigma = noise_std(clean, corrupted)
        return np.clip(non_local_means(corrupted, sigma, MEANS_STRENGTH) if sigma > 1e-6 else corrupted, 0, 1)

    def sweep(
        self,
        clean: np.ndarray,
        noise_type: str,
        seed: int,
        runs: Sequence[str],
        line: Line,
        components: int,
        progress: Callable[[float, str], None] = lambda _share, _what: None,
        mean: float = 0.0,
        clip: bool = True,
    ) -> list[Point]:
        """Noise of nine strengths from 0 to 1 against the quality of what comes back.

        Args:
            clean: float32 [n, 28, 28, 1] in [0, 1].
            noise_type: which noise.
            seed: start of its random numbers.
            runs: names of runs.
            line: PCA.
            components: how many of its components are used.
            progress: called with the share that is done and what comes next.
            mean: of Gaussian noise.
            clip: whether pixels with Gaussian noise are cut back to [0, 1].

        Raises:
            BadInput, StorageError, WorkerLost: a run cannot be asked.
        """
        corrupted = [
            self.corrupted(clean, self.noise(noise_type, strength, mean, clip), seed) for strength in SWEPT_STRENGTHS
        ]
        points, methods = [], [*runs, *BASELINES]
        for k, method in enumerate(methods):
            progress(k / len(methods), method)
            if method in BASELINES:
                found = [self.baseline(method, clean, noisy, line, components) for noisy in corrupted]
            else:
                found = np.split(self.reconstructed(method, np.concatenate(corrupted)), len(corrupted))
            for strength, output in zip(SWEPT_STRENGTHS, found, strict=True):
                points.append(Point(method, strength, *quality(clean, output)))
        progress(1.0, "")
        return points

    def swept_images(self, dataset: str) -> np.ndarray:
        """64 held-out images of all classes, float32 [64, 28, 28, 1].

        Raises:
            BadInput, DataMissing: the dataset is not here.
        """
        images = load(dataset, self._data.settings)
        return as_floats(images.x_test[fixed_indices(images.y_test, SWEPT_IMAGES, 2)])

    def _fitted(self, dataset: str) -> Line:
        return Line.fit(dataset, load(dataset, self._data.settings).x_train)


def noise_std(clean: np.ndarray, corrupted: np.ndarray) -> float:
    """Standard deviation of what the corruption did, in units of full white."""
    return float((corrupted - clean).std(dtype=np.float64))


def quality(clean: np.ndarray, output: np.ndarray) -> tuple[float, float]:
    """PSNR in dB with a peak of 1, and SSIM (Wang et al., 2004), averaged over images [n, h, w, 1] in [0, 1].

    A perfect copy has no finite PSNR: it counts as 120 dB.
    """
    from skimage.metrics import structural_similarity

    similar = [
        structural_similarity(a, b, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
        for a, b in zip(clean[..., 0], output[..., 0], strict=True)
    ]
    return reconstruction_metrics(clean, output)["psnr"], float(np.mean(similar))
