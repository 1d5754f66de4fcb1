"""The composition root: puts store, workers, runs, data and explorers together. Nothing here imports TensorFlow."""

import functools
from typing import TYPE_CHECKING

from aecore.compute.backend import Backend
from aecore.runs.data import Data
from aecore.runs.runs import Runs
from aecore.settings import Settings

if TYPE_CHECKING:
    from aecore.explore.corpora import Corpora
    from aecore.explore.inputs import Inputs
    from aecore.explore.latent import Latent
    from aecore.explore.novelty import Novelty
    from aecore.explore.replay import Replay
    from aecore.explore.sentences import Sentences
    from aecore.explore.weights import Weights


class Service:
    """One for each process that shows or steers runs; pages and the command line start from it.

    Args:
        settings: where things are; from the environment by default.
        backend: where runs are computed; dask workers by default.

    Attributes:
        settings: where things are.
        data: datasets, corpora and word vectors.
        runs: runs and pretrained models.

    Raises:
        BadInput: the environment holds something that cannot be used.
        StorageError: the store cannot be opened.
    """

    def __init__(self, settings: Settings | None = None, backend: Backend | None = None):
        self.settings = settings or Settings.from_env()
        self.data = Data(self.settings)
        self.runs = Runs(self.settings, self.data, backend or _dask(self.settings))

    def close(self) -> None:
        """Ends what this process started; active runs stay resumable from their last checkpoint."""
        self.runs.close()

    @functools.cached_property
    def latent(self) -> "Latent":
        """Codes of held-out images, what lies near them and between them."""
        from aecore.explore.latent import Latent

        return Latent(self.runs, self.data)

    @functools.cached_property
    def weights(self) -> "Weights":
        """A model's weights, what its units do, its feature maps."""
        from aecore.explore.weights import Weights

        return Weights(self.runs, self.data)

    @functools.cached_property
    def replay(self) -> "Replay":
        """A run's snapshots in their order, on common axes."""
        from aecore.explore.replay import Replay

        return Replay(self.runs)

    @functools.cached_property
    def inputs(self) -> "Inputs":
        """A visitor's own input through every model, beside denoisers that learn nothing."""
        from aecore.explore.inputs import Inputs

        return Inputs(self.runs, self.data)

    @functools.cached_property
    def novelty(self) -> "Novelty":
        """Reconstruction error as a detector of a class that was left out of training."""
        from aecore.explore.novelty import Novelty

        return Novelty(self.runs, self.data)

    @functools.cached_property
    def sentences(self) -> "Sentences":
        """Sentences as a run's model and the baselines see them."""
        from aecore.explore.sentences import Sentences

        return Sentences(self.runs, self.data)

    @functools.cached_property
    def corpora(self) -> "Corpora":
        """What corpora hold; read in the background."""
        from aecore.explore.corpora import Corpora

        return Corpora(self.data)


def _dask(settings: Settings) -> Backend:
    from aecore.compute.cluster import DaskBackend

    return DaskBackend(settings)
