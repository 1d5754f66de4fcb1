"""Denoisers that learn nothing, or only a line: what a trained one has to beat."""

from collections.abc import Callable

import numpy as np
from skimage.restoration import denoise_nl_means
from sklearn.decomposition import PCA

from aecore.analysis.images import reconstruction_metrics

TUNING_IMAGES = 300
STRENGTHS = (0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)  # of the noise's standard deviation
COMPONENTS = (10, 20, 30, 40, 60, 80, 120, 200)


def non_local_means(images: np.ndarray, std: float, strength: float) -> np.ndarray:
    """Averages pixels whose 5×5 neighbourhoods look alike (Buades et al., 2005; scikit-image).

    Args:
        images: noisy ones, float32 [n, h, w, 1].
        std: standard deviation of the noise, in units of full white.
        strength: how different neighbourhoods may be, in units of `std`.

    Returns:
        float32 [n, h, w, 1].
    """
    found = [
        denoise_nl_means(image[..., 0], patch_size=5, patch_distance=6, h=strength * std, sigma=std, fast_mode=True)
        for image in images
    ]
    return np.asarray(found, np.float32)[..., None]


def tuned_non_local_means(clean: np.ndarray, noisy: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Non-local means with the strength that does best on the first 300 of the training images given.

    Clipped noise makes black pixels lighter and white ones darker, which no averaging undoes; so brightness and
    contrast of the result are fitted on the same images by least squares.

    Args:
        clean: training images, float32 [n, h, w, 1] in [0, 1].
        noisy: the same with the noise to be removed.
    """
    few, their = clean[:TUNING_IMAGES], noisy[:TUNING_IMAGES]
    std = float((their - few).std())

    def fitted(strength: float) -> Callable[[np.ndarray], np.ndarray]:
        contrast, brightness = np.polyfit(non_local_means(their, std, strength).ravel(), few.ravel(), 1)
        return lambda images: np.clip(contrast * non_local_means(images, std, strength) + brightness, 0, 1)

    return max((fitted(strength) for strength in STRENGTHS), key=lambda denoise: psnr(few, denoise(their)))


def tuned_pca(clean: np.ndarray, noisy: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Projection on the principal components of clean images, as many as do best on the training images.

    The mean is taken from the noisy images, since clipping shifts it, and given back from the clean ones.

    Args:
        clean: training images, at least ten, float32 [n, h, w, 1] in [0, 1].
        noisy: the same with the noise to be removed.
    """
    flat = clean.reshape(len(clean), -1)
    counts = [count for count in COMPONENTS if count <= min(flat.shape)]
    pca = PCA(n_components=max(counts), svd_solver="covariance_eigh").fit(flat)
    shift = noisy.reshape(len(noisy), -1).mean(axis=0)

    def denoise(images: np.ndarray, components: int) -> np.ndarray:
        axes = pca.components_[:components]
        projected = (images.reshape(len(images), -1) - shift) @ axes.T @ axes + pca.mean_
        return np.clip(projected, 0, 1).reshape(images.shape).astype(np.float32)

    best = max(counts, key=lambda count: psnr(clean, denoise(noisy, count)))
    return lambda images: denoise(images, best)


def psnr(clean: np.ndarray, output: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, averaged over the images [n, ...]."""
    return reconstruction_metrics(clean, output)["psnr"]
