"""The one door into the back end: start, watch and steer runs; see datasets, worker and device.

Pages and the command line call nothing else. Nothing here imports TensorFlow.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from aecore import datasets
from aecore.compute.backend import Backend, InProcess, WorkerStatus
from aecore.data_service import DataService
from aecore.datasets import text
from aecore.datasets.kinds import data_of
from aecore.datasets.text.prepared import resolved
from aecore.errors import BadInput, DataMissing
from aecore.follower import Follower
from aecore.schema import IMAGE_SHAPE, VARIANTS, RunConfig, VariantConfig
from aecore.schema.events import Command, Event
from aecore.schema.job import Answer, Job, Question
from aecore.settings import Settings
from aecore.store.bundles import Shelf
from aecore.store.repository import Repository
from aecore.store.views import Curve, RunView, SnapshotView

if TYPE_CHECKING:
    from aecore.explore.corpora import Corpora
    from aecore.explore.inputs import Inputs
    from aecore.explore.latent import Latent
    from aecore.explore.novelty import Novelty
    from aecore.explore.replay import Replay
    from aecore.explore.sentences import Sentences
    from aecore.explore.weights import Weights

MAX_EPOCHS = 100_000


class Service(DataService):
    """One for each process that shows or steers runs.

    Args:
        settings: where things are; from the environment by default.
        backend: where runs are computed; dask workers by default.

    Raises:
        BadInput: the environment holds something that cannot be used.
        StorageError: the store cannot be opened.
    """

    def __init__(self, settings: Settings | None = None, backend: Backend | None = None):
        super().__init__(settings or Settings.from_env())
        self._shelf = Shelf(self.settings.checkpoints_dir)
        self._store = Repository(self.settings.store_url, self.settings.home / "runs")
        self._backend = backend or _dask(self.settings)
        self._follower = Follower(self._store, self._backend)
        self._pictures: dict[str, dict[str, np.ndarray]] = {}  # of shipped models, once their dataset is here
        self._follower.recover()

    def close(self) -> None:
        """Ends what this process started; active runs stay resumable from their last checkpoint."""
        self._follower.close()
        self._backend.close()
        self._store.close()

    # Variants and the worker

    def variants(self) -> dict[str, type[VariantConfig]]:
        """The variants by name."""
        return VARIANTS

    def worker(self) -> WorkerStatus:
        """How the worker is, and what it computes on."""
        return self._backend.status()

    # Runs

    def run(self, name: str) -> RunView:
        """A run as it stands.

        Raises:
            BadInput: there is none of that name.
        """
        if name in self._shelf:
            return self._shelf.bundle(name).run
        return self._follower.as_ended(self._store.run(name))

    def runs(self) -> list[RunView]:
        """All runs, the newest first, and the shipped models after them."""
        return [*(self._follower.as_ended(run) for run in self._store.runs()), *self._shelf.runs()]

    def shelf_problems(self) -> list[str]:
        """Why shipped models are not offered, a sentence for each."""
        return self._shelf.problems()

    def curve(self, name: str) -> Curve:
        """The losses of a run."""
        return self._shelf.bundle(name).curve if name in self._shelf else self._store.curve(name)

    def snapshot(self, name: str, position: float | None = None) -> SnapshotView | None:
        """The newest snapshot of a run, or the newest at or before a position in epochs.

        That of a shipped model holds the held-out images only where the dataset is on this machine and can be read.
        """
        if name not in self._shelf:
            return self._store.snapshot(name, position)
        view = self._shelf.bundle(name).snapshot(position)
        if name not in self._pictures or not self._pictures[name]:
            self._pictures[name] = self._pictured(self.run(name).config)
        return view and replace(view, arrays=view.arrays | self._pictures[name])

    def snapshot_positions(self, name: str) -> list[float]:
        """When snapshots were taken, in epochs."""
        return list(self._shelf.bundle(name).positions) if name in self._shelf else self._store.snapshot_positions(name)

    def kept(self, name: str, what: str) -> dict[str, np.ndarray]:
        """Arrays that a run keeps beside its snapshots; empty where there are none, or not yet.

        Args:
            name: the run, or the shipped model.
            what: for sentences "language", "similarity", "baselines" or "map"; see
                `aecore.training.sentence_score.SentenceScorer`.

        Raises:
            BadInput: there is no such run.
            StorageError: they are damaged.
        """
        return self._shelf.bundle(name).kept(what) if name in self._shelf else self._store.kept(name, what)

    def language(self, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The words of a sentence run by number, and the names of its codes' labels; empty before its first step."""
        kept = self.kept(name, "language")
        return (text.as_texts(kept["words"]), text.as_texts(kept["topics"])) if kept else ((), ())

    def model_file(self, name: str) -> bytes:
        """The Keras file of a run that was paused, stopped or finished.

        Raises:
            BadInput: there is none yet.
        """
        self._refuse_shipped(name)
        return self._store.model(name)

    def evaluate(self, name: str, dataset: str | None = None, stage: Callable[[str], None] = lambda _: None):
        """Measures a run or a shipped model again from its weights, in this process.

        Args:
            name: the run, or the shipped model.
            dataset: what to measure it on; by default what it was trained on.
            stage: told what is measured next.

        Returns:
            The scorecard; see `aecore.training.evaluation.evaluate`.

        Raises:
            BadInput: there is no such run or dataset, or nothing to measure yet.
            DataMissing: the dataset is not on this machine.
            StorageError: the weights are gone or damaged.
        """
        config = self.run(name).config
        config = replace(config, dataset=self.dataset(dataset or config.dataset).name)
        weights = self._shelf.bundle(name).weights() if name in self._shelf else self._store.model(name)
        return InProcess().evaluate(config, weights, stage)

    def ask(self, name: str, operation: str, **arrays: np.ndarray) -> Answer:
        """Asks a run's newest weights, or a shipped model, something; the worker answers, also while it trains.

        Args:
            name: the run, or the shipped model.
            operation: what the variant's model can be asked, such as "encode", "decode" or "reconstruct".
            arrays: its arguments, [n, ...] each; see `aecore.models.base.Autoencoder.operations`.

        Returns:
            Arrays [n, ...] by name.

        Raises:
            BadInput: there is no such run or operation, or there are no weights yet.
            StorageError: the weights are gone or damaged.
            WorkerLost: the worker cannot be reached.
        """
        run = self.run(name)
        shipped = name in self._shelf
        stamp = run.created.isoformat() if shipped else self._store.weights_stamp(name)
        question = Question(name, stamp, run.config.to_json(), operation, arrays)
        answer = self._backend.answer(question) if stamp else None
        if answer is None:
            if shipped:
                weights = self._shelf.bundle(name).weights()
            else:
                stamp, weights = self._store.weights(name)
            answer = self._backend.answer(replace(question, stamp=stamp, weights=weights))
        assert answer is not None, "the weights were sent along"
        return answer

    def train(self, config: RunConfig, command: Command | None = None) -> str:
        """Starts a run in the background.

        Args:
            config: what to train.
            command: what it is told from the start, such as a speed limit.

        Returns:
            The run's name.

        Raises:
            BadInput, DataMissing: it cannot be trained like this.
        """
        job = self._create(config)
        self._follower.start(job, command)
        return job.run

    def watch(self, config: RunConfig) -> Iterator[tuple[str, Event]]:
        """Trains in the foreground: yields the run's name with each event, after it was stored."""
        yield from self._watch(self._create(config))

    def resume(
        self,
        name: str,
        more_epochs: int = 0,
        until: int | None = None,
        learning_rate: float | None = None,
        command: Command | None = None,
    ) -> None:
        """Goes on from the last checkpoint in the background.

        Args:
            name: a run that is not active.
            more_epochs: how many epochs to add to its plan; a decaying schedule stretches to the new end.
            until: pause after this epoch.
            learning_rate: new base learning rate.
            command: what it is told from the start, such as a speed limit.

        Raises:
            BadInput: it is active, or has nothing left to do.
        """
        self._follower.start(self._prepare(name, more_epochs, until, learning_rate), command)

    def watch_resumed(self, name: str, more_epochs: int = 0) -> Iterator[tuple[str, Event]]:
        """`resume` in the foreground; see `watch`."""
        yield from self._watch(self._prepare(name, more_epochs, None, None))

    def step(self, name: str, command: Command | None = None) -> None:
        """Trains to the end of the present epoch, or one epoch from an epoch's end, and pauses.

        Raises:
            BadInput: it is active, or has nothing left to do.
        """
        self.resume(name, until=self.run(name).epochs_done + 1, command=command)

    def pause(self, name: str) -> None:
        """Pauses after the next chunk of steps.

        Raises:
            BadInput: it is not being trained by this program.
        """
        self.tell(name, Command(action="pause"))

    def stop(self, name: str) -> None:
        """Ends a run where it is and measures it; one that is paused is measured as it stands.

        Raises:
            BadInput: it has ended already, or is trained by another program.
        """
        self._refuse_shipped(name)
        run = self.run(name)
        if run.active:
            self.tell(name, Command(action="stop"))
        elif run.status in ("paused", "interrupted") and self._store.checkpoint_epoch(name) > 0:
            self._follower.start(self._store.begin_attempt(name, run.config), Command(action="stop"))
        else:
            raise BadInput(f"The run {name} has nothing to stop: it is {run.status}.")

    def set_learning_rate(self, name: str, learning_rate: float) -> None:
        """Changes the base learning rate from the next step on, also of a paused run.

        Raises:
            BadInput: the learning rate is out of range.
        """
        self._refuse_shipped(name)
        run = self.run(name)
        checked = run.config.changed(learning_rate=learning_rate).hyper.learning_rate
        self._store.ask_learning_rate(name, checked)
        if run.active:
            self.tell(name, Command(learning_rate=checked))

    def tell(self, name: str, command: Command) -> None:
        """Passes a command to an active run.

        Raises:
            BadInput: it is not being trained by this program.
        """
        self._refuse_shipped(name)
        if not self._follower.tell(name, command):
            raise BadInput(f"The run {name} is not being trained here ({self.run(name).status}).")

    def expected_seconds(self, config: RunConfig) -> float | None:
        """How long a run would take, by the speed of the newest one of its kind; None where none is known.

        The time for an image is taken to grow with its multiplications, among networks of one kind.
        """
        for run in self._store.runs():
            alike = _kind(run.config) == _kind(config)
            if alike and run.samples_per_second:
                times = config.hyper.multiply_adds(IMAGE_SHAPE) / run.config.hyper.multiply_adds(IMAGE_SHAPE)
                return run.train_size * config.hyper.total_epochs * times / run.samples_per_second
        return None

    def waiting_before(self, name: str) -> int:
        """How many runs of this store are ahead of a queued one; 0 once it has its turn."""
        run = self.run(name)
        if run.status != "queued":
            return 0
        others = [other for other in self.runs() if other.active and other.id != name]
        return sum(other.status != "queued" or other.updated < run.updated for other in others)

    @functools.cached_property
    def latent(self) -> "Latent":
        """Codes of held-out images, what lies near them and between them."""
        from aecore.explore.latent import Latent

        return Latent(self, self._shelf)

    @functools.cached_property
    def weights(self) -> "Weights":
        """A model's weights, what its units do, its feature maps."""
        from aecore.explore.weights import Weights

        return Weights(self, self._shelf)

    @functools.cached_property
    def replay(self) -> "Replay":
        """A run's snapshots in their order, on common axes."""
        from aecore.explore.replay import Replay

        return Replay(self)

    @functools.cached_property
    def inputs(self) -> "Inputs":
        """A visitor's own input through every model, beside denoisers that learn nothing."""
        from aecore.explore.inputs import Inputs

        return Inputs(self)

    @functools.cached_property
    def novelty(self) -> "Novelty":
        """Reconstruction error as a detector of a class that was left out of training."""
        from aecore.explore.novelty import Novelty

        return Novelty(self)

    @functools.cached_property
    def sentences(self) -> "Sentences":
        """Sentences as a run's model and the baselines see them."""
        from aecore.explore.sentences import Sentences

        return Sentences(self, self._store.weights_stamp)

    @functools.cached_property
    def corpora(self) -> "Corpora":
        """What corpora hold; read in the background."""
        from aecore.explore.corpora import Corpora

        return Corpora(self)

    # Inside

    def prepare(self, config: RunConfig, progress: Callable[[float, str], None] | None = None) -> RunConfig:
        """Reads what a run is trained on, so that damaged data is told now; a corpus is kept on disk for the next time.

        Args:
            config: the run.
            progress: told the share that is done and what is being done; only a corpus takes long.

        Returns:
            The run with everything named that it left open.

        Raises:
            BadInput, DataMissing: it cannot be trained like this.
        """
        status = self.dataset(config.dataset)
        if status.kind != config.hyper.kind:
            others = ", ".join(other.name for other in self.datasets(config.hyper.kind))
            raise BadInput({"dataset": f"{config.variant} learns {config.hyper.kind}, and {status.name} holds "
                            f"{status.kind}; choose one of {others}."})  # fmt: skip
        if self.settings.scheduler is None:  # workers elsewhere have their own data
            if not status.available:
                raise DataMissing(f"{status.title} is not on this machine. {status.how}")
            data_of(config, self.settings, progress)
        return resolved(config, self.settings)

    def _create(self, config: RunConfig) -> Job:
        config = self.prepare(config)
        config.hyper.check(IMAGE_SHAPE)
        return self._store.begin_attempt(self._store.create(config), config)

    def _prepare(self, name: str, more_epochs: int, until: int | None, learning_rate: float | None) -> Job:
        self._refuse_shipped(name)
        run = self.run(name)
        if run.active:
            raise BadInput(f"The run {name} is already being trained.")
        if more_epochs < 0 or run.total_epochs + more_epochs > MAX_EPOCHS:
            raise BadInput(f"epochs takes a whole number from 1 to {MAX_EPOCHS:,} in all; received {more_epochs} more.")
        config = run.config
        if more_epochs:
            config = config.changed(epochs=config.hyper.epochs + more_epochs)
        if self._store.checkpoint_epoch(name) >= config.hyper.total_epochs and run.status == "finished":
            raise BadInput(f"The run {name} has trained all of its {run.total_epochs} epochs: say how many more.")
        if learning_rate is not None:
            self.set_learning_rate(name, learning_rate)
        return self._store.begin_attempt(name, config, until)

    def _refuse_shipped(self, name: str) -> None:
        if name in self._shelf:
            raise BadInput(f"{name} is a shipped model and read-only: train a new run with its settings instead.")

    def _pictured(self, config: RunConfig) -> dict[str, np.ndarray]:
        """The held-out images whose reconstructions are drawn, and what the model is shown; none if not here."""
        if not self.dataset(config.dataset).available:
            return {}
        try:
            images = datasets.measured(datasets.images_of(config, self.settings), config.image_hyper)
        except DataMissing:  # a damaged file is told where it is needed; a shipped model does without
            return {}
        chosen = datasets.pictured(images)
        shown = datasets.shown_test(images, config.image_hyper)[chosen]
        return {"clean": images.x_test[chosen, ..., 0], "corrupted": datasets.as_pixels(shown[..., 0])}

    def _watch(self, job: Job) -> Iterator[tuple[str, Event]]:
        for event in self._follower.follow(job, InProcess() if self.settings.scheduler is None else self._backend):
            yield job.run, event


def _kind(config: RunConfig) -> tuple[Any, ...]:
    """What makes the speeds of two runs comparable."""
    return config.variant, config.dataset, config.hyper.model_dump().get("network")


def _dask(settings: Settings) -> Backend:
    from aecore.compute.cluster import DaskBackend

    return DaskBackend(settings)
