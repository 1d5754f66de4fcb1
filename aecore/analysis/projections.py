"""Codes in two or three dimensions, to be looked at: principal components, and t-SNE."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

EMBEDDED = 2000  # points at most: t-SNE of so many can take a minute on two cores
PERPLEXITY = 30.0
_FIRST = 50  # components that t-SNE is given of a longer code
_LONG = 256  # units from which components are found by the randomised method


def principal(codes: np.ndarray, dims: int) -> tuple[np.ndarray, np.ndarray]:
    """The first principal components of codes.

    Args:
        codes: float32 [n, units].
        dims: how many; fewer come back where there are fewer units.

    Returns:
        float32 [n, dims], each pointing to where its weights sum to more than zero, and the share of the variance
        that each holds, float64 [dims].
    """
    dims = min(dims, *codes.shape)
    total = codes.var(axis=0, dtype=np.float64).sum()
    if total == 0:
        return np.zeros((len(codes), dims), np.float32), np.zeros(dims)
    pca = _fitted(codes, dims)
    signs = _signs(pca.components_.T)
    # The estimator divides by n - 1, the total above by n.
    shares = pca.explained_variance_ * (len(codes) - 1) / len(codes) / total
    return (pca.transform(codes) * signs).astype(np.float32), shares


def neighbour_embedding(codes: np.ndarray, dims: int) -> np.ndarray:
    """t-SNE (van der Maaten and Hinton, 2008) of codes, started from their principal components.

    Of a code of more than 50 units the first 50 principal components are taken, as the authors advise.

    Args:
        codes: float32 [n, units] of at most `EMBEDDED` images.
        dims: 2 or 3.

    Returns:
        float32 [n, dims]; the same for the same codes.
    """
    if codes.shape[1] > _FIRST:
        codes = principal(codes, _FIRST)[0]
    perplexity = min(PERPLEXITY, (len(codes) - 1) / 3)
    start = np.zeros((len(codes), dims), np.float32)
    first = principal(codes, dims)[0]
    start[:, : first.shape[1]] = first / max(float(first[:, 0].std()), 1e-12) * 1e-4
    start += np.random.default_rng(0).normal(0, 1e-6, start.shape)  # equal codes have to part
    return TSNE(dims, perplexity=perplexity, init=start, random_state=0).fit_transform(codes).astype(np.float32)


def principal_directions(centred: np.ndarray, dims: int) -> np.ndarray:
    """The first principal directions of centred codes [n, units], each with weights that sum to zero or more.

    Found from the units' covariance, which for many short codes is far cheaper than a decomposition of the codes.

    Args:
        centred: float64 [n, units], without their mean.
        dims: how many directions, at most as many as there are units.

    Returns:
        float64 [units, dims].
    """
    _, directions = np.linalg.eigh(centred.T @ centred)
    first = directions[:, : -dims - 1 : -1]
    return first * _signs(first)


def _signs(directions: np.ndarray) -> np.ndarray:
    """1 or -1 for each of [units, dims]: what makes its sum positive."""
    return np.where(directions.sum(axis=0) < 0, -1, 1)


def varying(codes: np.ndarray) -> np.ndarray:
    """Units of codes [n, units], the one that varies most first: int64 [units]."""
    return np.argsort(-codes.var(axis=0, dtype=np.float64), kind="stable")


def _fitted(codes: np.ndarray, dims: int) -> PCA:
    solver = "covariance_eigh" if codes.shape[1] <= _LONG else "randomized"
    return PCA(dims, svd_solver=solver, random_state=0).fit(codes)
