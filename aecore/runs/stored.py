"""Runs as they stand, and pretrained models among them: everything that pages read."""

from dataclasses import replace

import numpy as np

from aecore import datasets
from aecore.datasets import text
from aecore.errors import BadInput, DataMissing
from aecore.runs.data import Data
from aecore.runs.follower import Follower
from aecore.schema import RunConfig
from aecore.store.bundles import PretrainedModels
from aecore.store.repository import Repository
from aecore.store.views import SHARED, Curve, RunView, SnapshotView


class StoredRuns:
    """Reads runs of the store and pretrained models alike.

    Args:
        store: the runs.
        pretrained: the pretrained models.
        follower: knows of ends that found no space in the store.
        data: where the images of pretrained models may be.
    """

    def __init__(self, store: Repository, pretrained: PretrainedModels, follower: Follower, data: Data):
        self._store, self._pretrained, self._follower, self._data = store, pretrained, follower, data
        self._pictures: dict[str, dict[str, np.ndarray]] = {}  # of pretrained models, once their dataset is here

    def run(self, name: str) -> RunView:
        """A run as it stands.

        Raises:
            BadInput: there is none of that name.
        """
        if name in self._pretrained:
            return self._pretrained.bundle(name).run
        return self._follower.as_ended(self._store.run(name))

    def all(self) -> list[RunView]:
        """All runs, the newest first, and the pretrained models after them."""
        return [*(self._follower.as_ended(run) for run in self._store.runs()), *self._pretrained.runs()]

    def pretrained_problems(self) -> list[str]:
        """Why pretrained models are not offered, a sentence for each."""
        return self._pretrained.problems()

    def held_out_codes(self, name: str) -> dict[str, np.ndarray] | None:
        """Codes of held-out images that come with a pretrained model; None for other runs.

        Returns:
            See `aecore.store.bundles.Bundle.held_out`.
        """
        return self._pretrained.bundle(name).held_out() if name in self._pretrained else None

    def weights_version(self, name: str) -> str:
        """Names the present weights of a run; "" where there are none yet."""
        if name in self._pretrained:
            return self.run(name).created.isoformat()
        return self._store.weights_stamp(name)

    def curve(self, name: str) -> Curve:
        """The losses of a run."""
        return self._pretrained.bundle(name).curve if name in self._pretrained else self._store.curve(name)

    def snapshot(self, name: str, position: float | None = None) -> SnapshotView | None:
        """The newest snapshot of a run, or the newest at or before a position in epochs.

        That of a pretrained model holds the held-out images only where the dataset is on this machine and readable.
        """
        if name not in self._pretrained:
            return self._store.snapshot(name, position)
        view = self._pretrained.bundle(name).snapshot(position)
        if name not in self._pictures or not self._pictures[name]:
            self._pictures[name] = self._pictured(self.run(name).config)
        return view and replace(view, arrays=view.arrays | self._pictures[name])

    def snapshot_positions(self, name: str) -> list[float]:
        """When snapshots were taken, in epochs."""
        if name in self._pretrained:
            return list(self._pretrained.bundle(name).positions)
        return self._store.snapshot_positions(name)

    def kept(self, name: str, what: str) -> dict[str, np.ndarray]:
        """Arrays that a run keeps beside its snapshots; empty where there are none, or not yet.

        Args:
            name: the run, or the pretrained model.
            what: for sentences "language", "similarity", "baselines" or "map"; see
                `aecore.training.sentence_score.SentenceScorer`.

        Raises:
            BadInput: there is no such run.
            StorageError: they are damaged.
        """
        if name in self._pretrained:
            return self._pretrained.bundle(name).kept(what)
        return self._store.kept(name, what)

    def language(self, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The words of a sentence run by number, and the names of its codes' labels; empty before its first step."""
        kept = self.kept(name, "language")
        return (text.as_texts(kept["words"]), text.as_texts(kept["topics"])) if kept else ((), ())

    def model_file(self, name: str) -> bytes:
        """The Keras file of a run that was paused, stopped or finished.

        Raises:
            BadInput: there is none yet.
        """
        if name in self._pretrained:
            self._refuse_pretrained(name)
        return self._store.model(name)

    def waiting_before(self, name: str) -> int:
        """How many runs of this store are ahead of a queued one; 0 once it has its turn."""
        run = self.run(name)
        return self._follower.waiting_before(run) if run.status == "queued" else 0

    def _refuse_pretrained(self, name: str) -> None:
        if name in self._pretrained:
            raise BadInput(f"{name} is a pretrained model and read-only: train a new run with its settings instead.")
        if name.startswith(SHARED):
            self.run(name)
            raise BadInput("A shared run is read-only: train a new run with its settings instead.")

    def _pictured(self, config: RunConfig) -> dict[str, np.ndarray]:
        """The held-out images whose reconstructions are drawn, and what the model is shown; none if not here.

        A model of sentences has none.
        """
        if config.hyper.modality != "images" or not self._data.dataset(config.dataset).available:
            return {}
        try:
            images = datasets.evaluation_images(datasets.images_of(config, self._data.settings), config.image_hyper)
        except DataMissing:  # a damaged file is told where it is needed; a pretrained model does without
            return {}
        chosen = datasets.pictured(images)
        corrupted = datasets.corrupted_test(images, config.image_hyper)[chosen]
        return {"clean": images.x_test[chosen, ..., 0], "corrupted": datasets.as_pixels(corrupted[..., 0])}
