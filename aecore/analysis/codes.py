"""What codes are good for: neighbours, a classifier, the shape of the neighbourhoods, active units."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import trustworthiness
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

PROBE_IMAGES = 10_000
TRUST_IMAGES = 2_000
TRUST_NEIGHBOURS = 5
SILENT_RANGE = 1e-3


def knn_accuracy(train: np.ndarray, y_train: np.ndarray, test: np.ndarray, y_test: np.ndarray) -> float:
    """Share of the held-out codes whose five nearest training codes vote for the right class.

    Args:
        train: codes [n, units] of the training images.
        y_train: their classes [n].
        test: codes [m, units] of the held-out images.
        y_test: their classes [m].
    """
    return float(KNeighborsClassifier(n_neighbors=5).fit(train, y_train).score(test, y_test))


def probe_accuracy(train: np.ndarray, y_train: np.ndarray, test: np.ndarray, y_test: np.ndarray) -> float:
    """Held-out accuracy of a softmax classifier on the codes.

    Multinomial logistic regression on standardised codes, fitted on the first 10,000 training images at
    most. The arguments are those of `knn_accuracy`.
    """
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300, tol=1e-3))
    probe.fit(train[:PROBE_IMAGES], y_train[:PROBE_IMAGES])
    return float(probe.score(test, y_test))


def code_trustworthiness(images: np.ndarray, codes: np.ndarray) -> float:
    """How far near neighbours among the codes are near neighbours among the images, from 0 to 1.

    Venna and Kaski (2001) with five neighbours, on the first 2,000 images at most.

    Args:
        images: [m, h, w, ...].
        codes: [m, units].
    """
    images = images[:TRUST_IMAGES].reshape(min(len(images), TRUST_IMAGES), -1)
    neighbours = min(TRUST_NEIGHBOURS, (len(images) - 1) // 2)  # the measure is defined for fewer than half
    return float(trustworthiness(images, codes[:TRUST_IMAGES], n_neighbors=neighbours))


def activity(codes: np.ndarray) -> dict[str, float]:
    """How busy the units of a code [m, units] are.

    Returns:
        `mean_activation`: mean absolute activity over images and units. `active_share`: share of the
        activities above 0.001. `dead_units`: number of units whose activity is the same for every image,
        within 0.001.
    """
    return {
        "mean_activation": float(np.abs(codes).mean(dtype=np.float64)),
        "active_share": float((np.abs(codes) > SILENT_RANGE).mean()),
        "dead_units": int((np.ptp(codes, axis=0) <= SILENT_RANGE).sum()),
    }


def neighbour_metrics(
    train: np.ndarray, y_train: np.ndarray, test: np.ndarray, y_test: np.ndarray, images: np.ndarray
) -> dict[str, float]:
    """`knn5_accuracy`, `probe_accuracy` and `trustworthiness` of codes; `images` are the held-out ones, clean."""
    return {
        "knn5_accuracy": knn_accuracy(train, y_train, test, y_test),
        "probe_accuracy": probe_accuracy(train, y_train, test, y_test),
        "trustworthiness": code_trustworthiness(images, test),
    }
