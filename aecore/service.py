"""The composition root: puts store, workers, runs, data and explorers together. Nothing here imports TensorFlow."""

import copy
import functools
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from cachetools import TTLCache

from aecore.compute.backend import Backend
from aecore.errors import BadInput
from aecore.runs.background import BackgroundTasks
from aecore.runs.data import Data
from aecore.runs.follower import Follower
from aecore.runs.runs import Runs
from aecore.runs.workspaces import clear_unused
from aecore.settings import Settings
from aecore.store.bundles import PretrainedModels
from aecore.store.repository import Repository

if TYPE_CHECKING:
    from aecore.explore.corpora import Corpora
    from aecore.explore.inputs import Inputs
    from aecore.explore.latent import Latent
    from aecore.explore.novelty import Novelty
    from aecore.explore.replay import Replay
    from aecore.explore.sentences import Sentences
    from aecore.explore.weights import Weights


WORKSPACES = 64  # that stay put together
SEEN_SECONDS = 3600  # after which it is noted again that a workspace is in use
NAME = re.compile(r"[A-Za-z0-9_-]{20,64}")
EXPLORERS = ("latent", "weights", "replay", "inputs", "novelty", "sentences", "corpora")


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
        self._backend = backend or _dask(self.settings)
        self._store = Repository(self.settings.store_url, self.settings.home / "runs")
        self._pretrained = PretrainedModels(self.settings.checkpoints_dir)
        self._follower = Follower(self._store, self._backend, self.settings.limits)
        self._downloads = BackgroundTasks()
        self._workspaces: TTLCache[str, Service] = TTLCache(WORKSPACES, SEEN_SECONDS)
        self._put_together()
        self._follower.recover()

    def _put_together(self) -> None:
        self.data = Data(self.settings, self._downloads)
        self.runs = Runs(self.settings, self.data, self._backend, self._store, self._pretrained, self._follower)

    def of(self, workspace: str) -> "Service":
        """The service as one workspace has it: all others are to it as if they did not exist.

        Args:
            workspace: letters and digits that nobody guesses.

        Raises:
            BadInput: it is no name of a workspace.
        """
        if not NAME.fullmatch(workspace):
            raise BadInput("This is no workspace: delete this site's cookies in your browser and open it again.")
        found = self._workspaces.get(workspace)
        if found is None:
            clear_unused(self._store, self.settings)
            found = copy.copy(self)
            for name in EXPLORERS:
                found.__dict__.pop(name, None)
            found.settings = replace(self.settings, workspace=workspace)
            found._store = self._store.of(workspace)
            found._put_together()
            found._store.seen()
            self._workspaces[workspace] = found
        return found

    def close(self) -> None:
        """Lets go of the worker: active runs go on there, and it ends when there is none; see `Follower.recover`."""
        self._follower.close()
        self._backend.close()
        self._store.close()

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
