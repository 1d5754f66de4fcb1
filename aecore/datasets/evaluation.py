"""Which images a run is measured on and what its model is shown of them: the same in every process."""

import numpy as np

from aecore.datasets.corruption import corrupt
from aecore.datasets.load import Images, fixed_indices, load
from aecore.schema import RunConfig
from aecore.schema.base import ImageConfig
from aecore.settings import Settings

TEST_SEED, TRAIN_SEED, BINARY_SEED = 10_000, 20_000, 30_000
PICTURES, CODES = 10, 1000


def images_of(config: RunConfig, settings: Settings) -> Images:
    """The images of a run, with those held out and the class left out that its configuration asks for.

    Raises:
        DataMissing: the dataset is not on this machine, or cannot be read.
    """
    hyper, images = config.image_hyper, load(config.dataset, settings)
    images = images.without_test() if hyper.held_out == "validation" else images
    return images if hyper.left_out == "none" else images.without_class(int(hyper.left_out))


def evaluation_images(images: Images, hyper: ImageConfig) -> Images:
    """The images as figures are computed on them: black and white where the configuration asks for it."""
    return images.binarised(BINARY_SEED) if hyper.binary else images


def corrupted_test(images: Images, hyper: ImageConfig) -> np.ndarray:
    """What a model is shown of the held-out images: float32 [m, h, w, c], the same in every run."""
    return corrupt(as_floats(images.x_test), hyper, TEST_SEED)


def corrupted_train(images: Images, hyper: ImageConfig) -> np.ndarray:
    """What a model is shown of the training images when it is measured: float32 [n, h, w, c]."""
    return corrupt(as_floats(images.x_train), hyper, TRAIN_SEED)


def pictured(images: Images) -> np.ndarray:
    """Positions of the ten held-out images whose reconstructions are drawn."""
    return fixed_indices(images.y_test, PICTURES, 0)


def coded(images: Images, count: int = CODES) -> np.ndarray:
    """Positions of the held-out images whose codes are drawn; all where there are fewer."""
    return fixed_indices(images.y_test, min(count, len(images.y_test)), 1)


def as_floats(images: np.ndarray) -> np.ndarray:
    """float32 in [0, 1] from uint8."""
    return images.astype(np.float32) / np.float32(255)


def as_pixels(images: np.ndarray) -> np.ndarray:
    """uint8 from values in [0, 1]; others are cut off."""
    return np.round(np.clip(np.nan_to_num(images), 0, 1) * 255).astype(np.uint8)
