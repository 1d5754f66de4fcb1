"""PCA at the same code size: the linear autoencoder that every figure stands beside."""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge


@dataclass(frozen=True)
class LinearBaseline:
    """PCA of what the model is shown, and the best linear way back to the clean image.

    On clean input this is PCA and its inverse. On corrupted input, principal components of the corrupted
    images are mapped to the clean ones by least squares, for a projection alone could not undo a shift of
    the mean: the strongest linear denoiser of this code size that is made from principal components.

    Attributes:
        pca: fitted on the (corrupted) training images.
        way_back: from codes to clean images, or None for the inverse projection.
    """

    pca: PCA
    way_back: Ridge | None

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
        pca = PCA(n_components=min(code_size, *source.shape), svd_solver="covariance_eigh").fit(source)
        if corrupted is None:
            return cls(pca, None)
        way_back = Ridge(alpha=0.0, solver="cholesky", copy_X=False).fit(pca.transform(source), target)
        return cls(pca, way_back)

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Codes float32 [n, units] of (corrupted) images [n, ...]."""
        return self.pca.transform(images.reshape(len(images), -1)).astype(np.float32)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Images float32 [n, pixels] of codes [n, units]."""
        back = self.pca.inverse_transform(codes) if self.way_back is None else self.way_back.predict(codes)
        return np.asarray(back, np.float32)
