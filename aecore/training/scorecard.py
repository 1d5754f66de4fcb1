"""The figures of a trained model on held-out images, each beside PCA at the same code size."""

from collections.abc import Callable, Mapping

import numpy as np

from aecore.analysis.codes import activity
from aecore.datasets import Images
from aecore.models.base import Autoencoder
from aecore.schema.base import ImageConfig
from aecore.training.batched import batched
from aecore.training.prepared import prepared


class Scorer:
    """Measures a model and its linear baseline on one dataset with one corruption.

    Args:
        images: the dataset.
        hyper: corruption and code size.

    Attributes:
        prepared: the dataset as it is measured.
    """

    def __init__(self, images: Images, hyper: ImageConfig):
        self.prepared = prepared(images, hyper)
        self.hyper = hyper

    def baseline_loss(self) -> float:
        """The baseline's held-out reconstruction error, in the unit of the run's loss."""
        return self.hyper.baseline_loss(self.prepared.baseline_errors(self.hyper.code_units))

    def score(self, model: Autoencoder, stage: Callable[[str], None]) -> Mapping[str, float | None]:
        """Measures the model and PCA.

        Args:
            model: the trained autoencoder.
            stage: called with what is measured next.
        """
        on = self.prepared
        stage("reconstructions")
        output, codes = batched(lambda x: (model(x), model.encode(x)), on.corrupted_test)
        if not (np.isfinite(output).all() and np.isfinite(codes).all()):
            return {"mse": None}
        metrics = on.reconstruction_scores(output) | activity(codes)
        stage("codes")
        (train_codes,) = batched(lambda x: (model.encode(x),), on.corrupted_train())
        stage("neighbours")
        metrics |= on.code_scores(train_codes, codes)
        metrics |= model.extra_metrics(on.clean_test, on.corrupted_test, stage)
        stage("PCA")
        pca = on.baseline_scores(self.hyper.code_units)
        return metrics | {f"pca_{name}": value for name, value in pca.items()}
