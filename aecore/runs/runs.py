"""Runs: started, steered, and asked what their models make of an input."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from aecore.compute.backend import Backend, InProcess, WorkerStatus
from aecore.datasets import without_version
from aecore.datasets.for_run import data_of
from aecore.datasets.text.prepared import resolved
from aecore.errors import BadInput, DataMissing
from aecore.messages.events import Command, Event
from aecore.messages.jobs import InferenceRequest, InferenceResult, Job, Operation
from aecore.runs.data import Data
from aecore.runs.follower import Follower
from aecore.runs.limits import check_config, check_room
from aecore.runs.stored import StoredRuns
from aecore.schema import RunConfig, Speed
from aecore.settings import Settings
from aecore.store.bundles import PretrainedModels
from aecore.store.repository import Repository
from aecore.store.views import Usage

MAX_EPOCHS = 100_000
FULL_SPEED = Speed()


class Runs(StoredRuns):
    """The runs of a store, or of one workspace in it, with the worker that trains them.

    Args:
        settings: limits of a workspace, and where its data lies.
        data: what is learnt.
        backend: where runs are computed.
        store: the runs.
        pretrained: the pretrained models.
        follower: follows all runs of the store.
    """

    def __init__(
        self, settings: Settings, data: Data, backend: Backend, store: Repository, pretrained: PretrainedModels,
        follower: Follower,
    ):  # fmt: skip
        self._settings, self._backend = settings, backend
        self._sent: dict[str, str] = {}  # version of the weights that the worker was sent last, by run
        super().__init__(store, pretrained, follower, data)

    def worker(self) -> WorkerStatus:
        """How the worker is, and what it computes on."""
        return self._backend.status()

    def prepare_worker(self) -> None:
        """Has a worker started while the visitor still reads; returns at once."""
        self._backend.prepare()

    def worker_memory(self) -> int:
        """Resident memory of the workers together, in bytes; 0 where there is none."""
        return self._backend.memory()

    # Start

    def _prepared(self, config: RunConfig, progress: Callable[[float, str], None] | None) -> RunConfig:
        """Reads what a run is trained on, so that damaged data is reported now, and names what the run left open."""
        status = self._data.dataset(config.dataset)
        if status.modality != config.hyper.modality:
            others = ", ".join(other.name for other in self._data.datasets(config.hyper.modality))
            raise BadInput({"dataset": f"{config.variant} learns {config.hyper.modality}, and {status.name} holds "
                            f"{status.modality}; choose one of {others}."})  # fmt: skip
        if self._limited:
            check_config(config, self._settings.limits)
        if self._settings.scheduler is None:  # workers elsewhere have their own data
            if not status.available:
                raise DataMissing(f"{status.title} is not on this machine. {status.how}")
            data_of(config, self._settings, progress)
        if config.image_shape != status.image_shape:
            config = replace(config, image_shape=status.image_shape)
            config.hyper.check(config.image_shape)
        return resolved(config, self._settings)

    def train(self, config: RunConfig, speed: Speed = FULL_SPEED) -> str:
        """Starts a run in the background.

        Args:
            config: what to train.
            speed: how fast it may go.

        Returns:
            The run's name.

        Raises:
            BadInput, DataMissing: it cannot be trained like this.
        """
        job = self._create(config)
        self._follower.start(job, Command(**speed._asdict()))
        return job.run

    def watch(
        self, config: RunConfig, progress: Callable[[float, str], None] | None = None
    ) -> Iterator[tuple[str, Event]]:
        """Trains in the foreground.

        Args:
            config: what to train.
            progress: called with the share of the data that is read and what is being done; only a corpus takes long.

        Returns:
            The run's name with each event, after it was stored.

        Raises:
            BadInput, DataMissing: it cannot be trained like this.
        """
        return self._watch(self._create(config, progress))

    def resume(
        self,
        name: str,
        more_epochs: int = 0,
        until: int | None = None,
        learning_rate: float | None = None,
        speed: Speed = FULL_SPEED,
    ) -> None:
        """Goes on from the last checkpoint in the background.

        Args:
            name: a run that is not active.
            more_epochs: how many epochs to add to its plan; a decaying schedule stretches to the new end.
            until: pause after this epoch.
            learning_rate: new base learning rate.
            speed: how fast it may go.

        Raises:
            BadInput: it is active, or has nothing left to do.
        """
        job = self._next_attempt(name, more_epochs, until, learning_rate)
        self._follower.start(job, Command(**speed._asdict()))

    def watch_resumed(self, name: str, more_epochs: int = 0) -> Iterator[tuple[str, Event]]:
        """`resume` in the foreground; see `watch`."""
        yield from self._watch(self._next_attempt(name, more_epochs, None, None))

    # Steer

    def step(self, name: str, speed: Speed = FULL_SPEED) -> None:
        """Trains to the end of the present epoch, or one epoch from an epoch's end, and pauses.

        Raises:
            BadInput: it is active, or has nothing left to do.
        """
        self.resume(name, until=self.run(name).epochs_done + 1, speed=speed)

    def pause(self, name: str) -> None:
        """Pauses after the next chunk of steps.

        Raises:
            BadInput: it is not being trained.
        """
        self._tell(name, Command(action="pause"))

    def stop(self, name: str) -> None:
        """Ends a run where it is and measures it; one that is paused is measured as it stands.

        Raises:
            BadInput: it has ended already.
        """
        self._refuse_pretrained(name)
        run = self.run(name)
        if run.active:
            self._tell(name, Command(action="stop"))
        elif run.status in ("paused", "interrupted") and self._store.checkpoint_epoch(name) > 0:
            self._follower.start(self._store.begin_attempt(name, run.config), Command(action="stop"))
        else:
            raise BadInput(f"The run {name} has nothing to stop: it is {run.status}.")

    def set_learning_rate(self, name: str, learning_rate: float) -> None:
        """Changes the base learning rate from the next step on, also of a paused run.

        Raises:
            BadInput: the learning rate is out of range.
        """
        self._refuse_pretrained(name)
        run = self.run(name)
        checked = run.config.changed(learning_rate=learning_rate).hyper.learning_rate
        self._store.ask_learning_rate(name, checked)
        if run.active:
            self._tell(name, Command(learning_rate=checked))

    def set_speed(self, name: str, speed: Speed) -> None:
        """Changes how fast an active run may go.

        Raises:
            BadInput: it is not being trained.
        """
        self._tell(name, Command(**speed._asdict()))

    def _tell(self, name: str, command: Command) -> None:
        """Passes a command to an active run."""
        self._refuse_pretrained(name)
        self._store.ask(name, command)
        self._follower.wake()

    def expected_seconds(self, config: RunConfig) -> float | None:
        """How long a run would take, by the speed of the newest comparable one; None where there is none.

        The time for an image is taken to grow with its multiplications, among networks of one variant.
        """
        for run in self._store.runs():
            alike = _comparable(run.config) == _comparable(config)
            if alike and run.samples_per_second:
                times = config.multiply_adds / run.config.multiply_adds
                return run.train_size * config.hyper.total_epochs * times / run.samples_per_second
        return None

    # Infer

    def infer(self, name: str, operation: Operation, **arrays: np.ndarray) -> InferenceResult:
        """Applies a run's newest weights, or a pretrained model; the worker computes it, also while it trains.

        Args:
            name: the run, or the pretrained model.
            operation: what the variant's model offers; see `aecore.messages.jobs.InferenceRequest`.
            arrays: its arguments, [n, ...] each.

        Returns:
            Arrays [n, ...] by name.

        Raises:
            BadInput: there is no such run or operation, or there are no weights yet.
            StorageError: the weights are gone or damaged.
            WorkerLost: the worker cannot be reached.
        """
        run, version = self.run(name), self.weights_version(name)
        if not version:
            raise BadInput(f"The run {name} has no weights yet: they are kept from its first seconds on.")
        request = InferenceRequest(name, version, run.config.to_json(), operation, arrays)
        # The arrays may hold many megabytes: they are sent once, with the weights unless the worker has these already.
        if self._sent.get(name) == version:
            result = self._backend.infer(request)
            if result is not None:
                return result
        if name in self._pretrained:
            weights = self._pretrained.bundle(name).weights()
        else:
            version, weights = self._store.weights(name)
        result = self._backend.infer(replace(request, version=version, weights=weights))
        assert result is not None, "the weights were sent along"
        self._sent[name] = version
        return result

    def evaluate(
        self, name: str, dataset: str | None = None, stage: Callable[[str], None] = lambda _: None
    ) -> dict[str, Any]:
        """Measures a run or a pretrained model again from its weights, in this process.

        Args:
            name: the run, or the pretrained model.
            dataset: what to measure it on; by default what it was trained on.
            stage: called with what is measured next.

        Returns:
            The scorecard; see `aecore.training.evaluation.evaluate`.

        Raises:
            BadInput: there is no such run or dataset, or nothing to measure yet.
            DataMissing: the dataset is not on this machine.
            StorageError: the weights are gone or damaged.
        """
        config = self.run(name).config
        config = replace(config, dataset=self._data.dataset(dataset or config.dataset).name)
        bundle = name in self._pretrained
        weights = self._pretrained.bundle(name).weights() if bundle else self._store.model(name)
        return InProcess().evaluate(config, weights, stage)

    # Share and delete

    def share(self, name: str) -> str:
        """A name under which whoever knows it can look at a run, and change nothing.

        Raises:
            BadInput: it is not this workspace's own.
        """
        self._refuse_pretrained(name)
        return self._store.share(name)

    def shared_as(self, name: str) -> str:
        """The name under which a run is shared; "" where it is not."""
        return "" if name in self._pretrained else self._store.shared_as(name)

    def unshare(self, name: str) -> None:
        """Takes back the name under which a run is shared.

        Raises:
            BadInput: it is not this workspace's own.
        """
        self._refuse_pretrained(name)
        self._store.unshare(name)

    def delete(self, name: str) -> None:
        """Deletes a run with all that it has.

        Raises:
            BadInput: it is being trained, or not this workspace's own.
        """
        self._refuse_pretrained(name)
        self._store.remove(name)

    def usage(self) -> Usage:
        """What the runs of this workspace take."""
        return self._store.usage()

    # Inside

    @property
    def _limited(self) -> bool:
        return bool(self._settings.workspace)

    def _create(self, config: RunConfig, progress: Callable[[float, str], None] | None = None) -> Job:
        if self._limited:
            check_room(self._store, self._settings.limits, more=1)
        config = self._prepared(config, progress)
        return self._store.begin_attempt(self._store.create(config), config)

    def _next_attempt(self, name: str, more_epochs: int, until: int | None, learning_rate: float | None) -> Job:
        self._refuse_pretrained(name)
        run = self.run(name)
        if run.active:
            raise BadInput(f"The run {name} is already being trained.")
        if more_epochs < 0 or run.total_epochs + more_epochs > MAX_EPOCHS:
            raise BadInput(f"epochs takes a whole number from 1 to {MAX_EPOCHS:,} in all; received {more_epochs} more.")
        config = run.config
        if more_epochs:
            config = config.changed(epochs=config.hyper.epochs + more_epochs)
        if self._limited:
            check_config(config, self._settings.limits)
            check_room(self._store, self._settings.limits, more=0)
        if self._store.checkpoint_epoch(name) >= config.hyper.total_epochs and run.status == "finished":
            raise BadInput(f"The run {name} has trained all of its {run.total_epochs} epochs: say how many more.")
        if learning_rate is not None:
            self.set_learning_rate(name, learning_rate)
        return self._store.begin_attempt(name, config, until)

    def _watch(self, job: Job) -> Iterator[tuple[str, Event]]:
        for event in self._follower.follow(job, InProcess() if self._settings.scheduler is None else self._backend):
            yield job.run, event


def _comparable(config: RunConfig) -> tuple[Any, ...]:
    """What two runs have in common whose speeds can be compared."""
    return config.variant, without_version(config.dataset), config.hyper.model_dump().get("network")
