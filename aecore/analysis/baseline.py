"""PCA at the same code size: the linear autoencoder that every figure stands beside."""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA

SILENT = 1e-7  # share of the strongest component's variance below which one is rounding error


@dataclass(frozen=True)
class LinearBaseline:
    """PCA of what the model is shown, and the best linear way back to the clean image.

    On clean input this is PCA and its inverse. On corrupted input, principal components of the corrupted
    images are mapped to the clean ones by least squares, for a projection alone could not undo a shift of
    the mean: the strongest linear denoiser of this code size that is made from principal components.

    Attributes:
        pca: fitted on the (corrupted) training images; None where they do not vary at all.
        way_back: float32 [units, pixels], from codes to clean images.
        mean: float32 [pixels], the clean training images' mean.
    """

    pca: PCA | None
    way_back: np.ndarray
    mean: np.ndarray

    @classmethod
    def fit(cls, clean: np.ndarray, corrupted: np.ndarray | None, code_size: int) -> "LinearBaseline":
        """Fits it on training images.

        Args:
            clean: float32 [n, ...] in [0, 1].
            corrupted: the same shape, or None where the input is clean.
            code_size: number of components; at most as many as there are pixels or images are used.
        """
        target = clean.reshape(len(clean), -1)
        source = target if corrupted is None else corrupted.reshape(target.shape)
        mean = target.mean(axis=0)
        if np.ptp(source, axis=0).max() == 0:
            return cls(None, np.zeros((1, target.shape[1]), np.float32), mean)
        pca = PCA(n_components=min(code_size, *source.shape), svd_solver="covariance_eigh").fit(source)
        if corrupted is None:
            return cls(pca, pca.components_, mean)
        codes = pca.transform(source)
        # Principal components are uncorrelated, so least squares takes them one by one; those without any
        # variance tell nothing.
        power = np.square(codes, dtype=np.float64).sum(axis=0)
        useful = power > SILENT * power.max()
        way_back = np.where(useful[:, None], codes.T @ (target - mean) / np.where(useful, power, 1.0)[:, None], 0.0)
        return cls(pca, way_back.astype(np.float32), mean)

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Codes float32 [n, units] of (corrupted) images [n, ...]."""
        if self.pca is None:
            return np.zeros((len(images), 1), np.float32)
        return self.pca.transform(images.reshape(len(images), -1)).astype(np.float32)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Images float32 [n, pixels] of codes [n, units]."""
        return np.asarray(codes @ self.way_back + self.mean, np.float32)
