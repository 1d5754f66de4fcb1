"""Trains one run from wherever it stands, and reports several times a second."""

import math
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from aecore.messages.channel import Channel
from aecore.messages.events import Baseline, Checkpoint, EpochDone, Failed, Finished, Kept, Progress, Started
from aecore.models import build
from aecore.models.base import Phase
from aecore.schema import RunConfig
from aecore.training.checkpoint import Position, Stored, pack
from aecore.training.device import find_device
from aecore.training.loop import COUNT, Loop
from aecore.training.run_data import RunData

CHUNK_SECONDS = 0.2
SNAPSHOT_SECONDS = 0.5
SMOOTHED = 8  # chunks of which the median speed is told
CHECKPOINT_SECONDS = 2.0
DIVERGING = 10  # a loss so many times the best is not worth a checkpoint that replaces a good one
SNAPSHOT_SHARE = 15  # time between snapshots, in times of what the last one took
CHECKPOINT_SHARE = 20  # time between checkpoints, in times of what the last one took


class Trainer:
    """One attempt at a run.

    Args:
        config: the run.
        run_data: its dataset.
        channel: where events go and commands come from.
        stored: the checkpoint to go on from, or None for the beginning.
        until: pause after this epoch, or None to go on to the end.

    Raises:
        StorageError: the checkpoint does not fit the configuration.
    """

    def __init__(self, config: RunConfig, run_data: RunData, channel: Channel,
                 stored: Stored | None = None, until: int | None = None):  # fmt: skip
        self._hyper, self._channel, self._until = config.hyper, channel, until
        self._device = find_device()
        self._model = build(config.hyper, config.image_shape)
        self._run_data, self._data = run_data, run_data.data
        run_data.set_up(self._model)
        self._steps_per_epoch = self._hyper.steps_per_epoch(self._data.train_size)
        self._stored = stored
        self._position = stored.position if stored else Position(config.hyper.learning_rate)
        if stored:
            stored.restore_model(self._model)
        self._chunk = 1
        self._snapped, self._saved = -math.inf, math.inf  # the first chunk, which compiles, starts the latter's clock
        self._checkpoint_cost = self._snapshot_cost = self._loss = 0.0
        self._rates: list[float] = []
        self._baseline_sent = stored is not None and self._position.epoch > 0

    def run(self) -> None:
        """Trains until the end, the pause or the stop; the last event is `Finished` or `Failed`."""
        self._channel.emit(
            Started(
                device=self._device,
                parameters=self._model.count_params(),
                steps_per_epoch=self._steps_per_epoch,
                train_size=self._data.train_size,
                test_size=self._data.test_size,
                total_epochs=self._hyper.total_epochs,
            )
        )
        self._keep(self._run_data.kept())
        self._snapshot(force=True)
        first = 0
        for phase in self._model.training_phases():
            last = first + phase.epochs
            if self._position.epoch < last:
                ended = self._train_phase(phase, first, last)
                if ended:
                    return
            first = last
        self._finish("finished")

    def _train_phase(self, phase: Phase, first: int, last: int) -> bool:
        """Trains the epochs [first, last); returns whether the attempt has ended."""
        xla = self._model.xla_on_gpu if self._device.kind == "gpu" else self._model.xla_on_cpu
        loop = Loop(self._model, phase, self._hyper, self._data, xla)
        fresh = first > 0 and self._position.epoch == first and self._position.step == 0
        if fresh:
            self._position.best_loss = math.inf
        if self._stored and not fresh:
            self._stored.restore_optimizer(loop.optimizer)
        self._stored = None
        while self._position.epoch < last:
            action = self._train_epoch(loop, phase, first)
            if action is None and self._until is not None and self._position.epoch >= self._until:
                action = "pause" if self._position.epoch < self._hyper.total_epochs else None
            if action == "failed":
                return True
            if action is not None:
                self._checkpoint(loop, force=True)
                self._finish("paused" if action == "pause" else "stopped")
                return True
            self._checkpoint(loop, force=self._position.epoch == self._hyper.total_epochs)
        return False

    def _train_epoch(self, loop: Loop, phase: Phase, first: int) -> str | None:
        """Trains to the end of the epoch; returns what ended it before, or None."""
        position = self._position
        epoch = position.epoch - first
        while position.step < loop.steps_per_epoch:
            command = self._channel.command
            if command.action:
                return command.action
            position.learning_rate = command.learning_rate or position.learning_rate
            limit = min(
                command.steps_per_second or math.inf,
                (command.epochs_per_second or math.inf) * loop.steps_per_epoch,
            )
            stop = min(position.step + self._chunk_steps(limit), loop.steps_per_epoch)
            begun = time.perf_counter()
            sums = loop.train(epoch, position.step, stop, position.learning_rate)
            took = time.perf_counter() - begun
            done = stop - position.step
            self._chunk = max(1, min(4 * self._chunk, int(done * CHUNK_SECONDS / took)))
            for name, value in sums.items():
                position.sums[name] = position.sums.get(name, 0.0) + value
            position.step, position.seconds = stop, position.seconds + took
            if not math.isfinite(sums["loss"]):
                self._channel.emit(Failed(_diverged(position.epoch + 1, position.learning_rate)))
                return "failed"
            self._saved = min(self._saved, time.monotonic())
            self._loss = sums["loss"] / sums[COUNT]
            position.best_loss = min(position.best_loss, self._loss)
            self._channel.emit(
                Progress(
                    position.epoch + stop / loop.steps_per_epoch,
                    self._loss,
                    self._speed(sums[COUNT] / took),
                    loop.learning_rate(position.learning_rate, epoch, stop),
                    phase.name,
                )
            )
            self._snapshot()
            if stop < loop.steps_per_epoch:
                self._checkpoint(loop)
            self._wait(begun + done / limit if limit < math.inf else begun)
        return self._end_epoch(loop, phase, epoch)

    def _end_epoch(self, loop: Loop, phase: Phase, epoch: int) -> str | None:
        """Measures the held-out examples; returns "failed" if the model has diverged, else None."""
        position = self._position
        begun = time.perf_counter()
        held_out = loop.evaluate((epoch + 1) / phase.epochs)
        if not math.isfinite(held_out["loss"]):
            self._channel.emit(Failed(_diverged(position.epoch + 1, position.learning_rate)))
            return "failed"
        examples = position.sums.pop(COUNT)
        means = {name: value / examples for name, value in position.sums.items()}
        position.epoch += 1
        self._channel.emit(
            EpochDone(
                epoch=position.epoch,
                phase=phase.name,
                loss=means.pop("loss"),
                val_loss=held_out.pop("loss"),
                seconds=position.seconds + time.perf_counter() - begun,
                samples_per_second=examples / position.seconds,
                learning_rate=loop.learning_rate(position.learning_rate, epoch, loop.steps_per_epoch),
                parts=means | {f"val_{name}": value for name, value in held_out.items()},
            )
        )
        position.step, position.seconds, position.sums = 0, 0.0, {}
        self._snapshot()
        if not self._baseline_sent:
            self._channel.emit(Baseline(self._run_data.baseline_loss(self._model)))
            self._baseline_sent = True
        return None

    def _speed(self, latest: float) -> float:
        """Examples a second of late, smoothed; the first chunk, which compiles, says nothing about the others."""
        first, self._rates = not self._rates, [*self._rates[-SMOOTHED:], latest]
        return latest if first else statistics.median(self._rates[1:] if len(self._rates) <= SMOOTHED else self._rates)

    def _chunk_steps(self, limit: float) -> int:
        """Steps until the next event: as many as take about a fifth of a second."""
        return max(1, min(self._chunk, int(limit * CHUNK_SECONDS) if limit < math.inf else self._chunk))

    def _wait(self, until: float) -> None:
        """Waits for the speed limit; a command is heard at once."""
        if until > time.perf_counter():
            self._channel.wait_for_command(until - time.perf_counter())

    def _snapshot(self, force: bool = False) -> None:
        begun, compiling = time.monotonic(), self._snapped == -math.inf
        if force or begun - self._snapped >= max(SNAPSHOT_SECONDS, SNAPSHOT_SHARE * self._snapshot_cost):
            self._channel.emit(self._run_data.snapshot(self._model, self._fraction()))
            self._snapped = time.monotonic()
            self._snapshot_cost = 0.0 if compiling else self._snapped - begun

    def _fraction(self) -> float:
        return self._position.epoch + self._position.step / self._steps_per_epoch

    def _checkpoint(self, loop: Loop, force: bool = False) -> None:
        pause = max(CHECKPOINT_SECONDS, CHECKPOINT_SHARE * self._checkpoint_cost)
        begun = time.monotonic()
        diverging = self._loss > DIVERGING * self._position.best_loss
        if force or (begun - self._saved >= pause and not diverging):
            data = pack(self._model, loop.optimizer, self._position)
            self._channel.emit(Checkpoint(self._position.epoch, self._position.step, data))
            self._saved = time.monotonic()
            self._checkpoint_cost = self._saved - begun

    def _finish(self, status) -> None:
        """Measures the model, unless it is only paused, and hands it over."""
        self._snapshot(force=True)
        metrics = {}
        if status != "paused":
            metrics = self._run_data.score(self._model, self._tell_stage)
            self._keep(self._run_data.artifacts())
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            self._model.save(path)
            self._channel.emit(Finished(status, metrics, path.read_bytes()))

    def _keep(self, arrays: Mapping[str, dict[str, np.ndarray]]) -> None:
        for name, content in arrays.items():
            self._channel.emit(Kept(name, content))

    def _tell_stage(self, stage: str) -> None:
        rate = self._position.learning_rate
        self._channel.emit(Progress(self._fraction(), math.nan, math.nan, rate, stage, "scoring"))


def _diverged(epoch: int, learning_rate: float) -> str:
    return (
        f"The loss stopped being a number in epoch {epoch}: the training diverged. Try a learning rate "
        f"below {learning_rate:g}; the last checkpoint is kept."
    )
