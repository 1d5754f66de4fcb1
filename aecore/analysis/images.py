"""How well images are reconstructed."""

import numpy as np

_MARGIN = 1e-7


def reconstruction_metrics(clean: np.ndarray, output: np.ndarray) -> dict[str, float]:
    """Errors of reconstructions.

    Args:
        clean: [n, h, w, ...] in [0, 1].
        output: the same shape; values outside [0, 1] are measured as they are, but for `bce`.

    Returns:
        `mse`: mean squared error of a pixel. `sse_per_image`: squared error summed over an image's pixels,
        averaged over the images. `psnr`: peak signal-to-noise ratio in dB with a peak of 1, averaged over
        the images. `bce`: binary cross-entropy of a pixel in nats, outputs cut to [1e-7, 1 - 1e-7].
    """
    clean, output = clean.reshape(len(clean), -1), output.reshape(len(output), -1)
    error = np.square(clean - output, dtype=np.float32)
    per_image = error.mean(axis=1, dtype=np.float64)
    probability = np.clip(output, _MARGIN, 1 - _MARGIN)
    cross_entropy = -(clean * np.log(probability) + (1 - clean) * np.log1p(-probability))
    return {
        "mse": float(per_image.mean()),
        "sse_per_image": float(per_image.mean() * clean.shape[1]),
        "psnr": float(np.mean(-10 * np.log10(np.maximum(per_image, 1e-12)))),
        "bce": float(cross_entropy.mean(dtype=np.float64)),
    }
