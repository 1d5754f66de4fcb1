"""Corruption of images in NumPy, for figures and held-out images; `aecore.training.corruption` is the same in the
compiled step. The kinds are those of denoising autoencoders (Vincent et al., 2010, JMLR 11).
"""

import numpy as np

from aecore.schema.base import ImageConfig


def corrupt(images: np.ndarray, config: ImageConfig, seed: int) -> np.ndarray:
    """Adds the noise of a configuration.

    The same seed gives the same noise, and the first images get the same noise however many follow.

    Args:
        images: float32 [n, ...] in [0, 1].
        config: which noise (`noise`) and how strong (`noise_mean`, `noise_std`, `noise_fraction`, `clip`).
        seed: start of the random numbers, at least 0.

    Returns:
        float32 [n, ...]: a new array, or `images` itself where there is no noise. In [0, 1], except for Gaussian
        noise that is not clipped.

    Raises:
        ValueError: `images` is not a batch.
    """
    if images.ndim < 2:
        raise ValueError(f"images must be a batch [n, ...]; received shape {list(images.shape)}")
    images = images.astype(np.float32, copy=False)
    rng = np.random.default_rng(seed)
    if config.noise == "gaussian":
        noisy = rng.standard_normal(images.shape, dtype=np.float32)
        noisy *= config.noise_std
        noisy += config.noise_mean
        noisy += images
        return np.clip(noisy, 0, 1, out=noisy) if config.clip else noisy
    if config.noise == "masking":
        hit = rng.random(images.shape, dtype=np.float32) < config.noise_fraction
        return np.where(hit, np.float32(0), images)
    if config.noise == "salt_and_pepper":
        # One draw does for both: the pixels below the share are hit, the lower half of them turn black.
        drawn = rng.random(images.shape, dtype=np.float32)
        pepper, hit = drawn < config.noise_fraction / 2, drawn < config.noise_fraction
        return np.where(pepper, np.float32(0), np.where(hit, np.float32(1), images))
    return images
