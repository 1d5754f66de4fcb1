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
from aecore.schema import RunConfig
from aecore.training.checkpoint import Position, Stored, pack
from aecore.training.device import find_device
from aecore.training.loop import COUNT, Loop
from aecore.training.run_data import RunData
from aecore.training.structures import RunState, Structure
from aecore.training.turns import Seat

CHUNK_SECONDS = 0.2  # from one event of a run to its next, shared by all runs
LEAST_CHUNK_SECONDS = 0.05
CATCH_UP_SECONDS = 1.0  # that a run which had to wait for its turn may be late and still catch up
SNAPSHOT_SECONDS = 0.5
SMOOTHED = 8  # chunks of which the median speed is told
CHECKPOINT_SECONDS = 2.0  # and longer with others, up to five times, since less is lost
UNREAD = "It was paused because no dashboard had asked how it went for a long time: Resume goes on from here."
DIVERGING = 10  # a loss so many times the best is not worth a checkpoint that replaces a good one
SNAPSHOT_SHARE = 15  # time between snapshots, in times of what the last one took
CHECKPOINT_SHARE = 20  # time between checkpoints, in times of what the last one took


class Trainer:
    """One attempt at a run, in turns with others. Whoever makes one has the turn.

    Args:
        config: the run.
        run_data: its dataset.
        structure: what is compiled; it holds the run's state.
        state: the run's, not trained yet.
        seat: the run's place among those that share the device.
        channel: where events go and commands come from.
        stored: the checkpoint to go on from, or None for the beginning.
        until: pause after this epoch, or None to go on to the end.

    Raises:
        StorageError: the checkpoint does not fit the configuration.
    """

    def __init__(self, config: RunConfig, run_data: RunData, structure: Structure, state: RunState, seat: Seat,
                 channel: Channel, stored: Stored | None = None, until: int | None = None):  # fmt: skip
        self._config, self._hyper, self._channel, self._until = config, config.hyper, channel, until
        self._structure, self._state, self._seat = structure, state, seat
        self._device = find_device()
        self._model = structure.model
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
        self._held_bytes = 0
        self._baseline_sent = stored is not None and self._position.epoch > 0
        self._due = 0.0  # when the speed limit allows the next step

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
        for phase, epochs in self._hyper.phases():
            last = first + epochs
            if self._position.epoch < last:
                ended = self._train_phase(phase, first, last)
                if ended:
                    return
            first = last
        self._finish("finished")

    def _train_phase(self, phase: str, first: int, last: int) -> bool:
        """Trains the epochs [first, last); returns whether the attempt has ended."""
        compiled = self._structure.loop(phase, type(self._data))
        self._structure.begin_phase(self._state, compiled)
        self._held_bytes = self._structure.held_bytes(self._state)
        loop = Loop(compiled, self._hyper, last - first, self._data)
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

    def _train_epoch(self, loop: Loop, phase: str, first: int) -> str | None:
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
            self._chunk = max(1, min(4 * self._chunk, int(done * self._chunk_seconds() / took)))
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
                    phase,
                    runs=self._seat.present,
                    share=self._seat.share,
                    device_seconds=self._seat.seconds,
                    held_bytes=self._held_bytes,
                )
            )
            self._snapshot()
            if stop < loop.steps_per_epoch:
                self._checkpoint(loop)
            self._let_others(done, limit)
        return self._end_epoch(loop, phase, epoch)

    def _end_epoch(self, loop: Loop, phase: str, epoch: int) -> str | None:
        """Measures the held-out examples; returns "failed" if the model has diverged, else None."""
        position = self._position
        begun = time.perf_counter()
        held_out = loop.evaluate(loop.progress(epoch + 1))
        if not math.isfinite(held_out["loss"]):
            self._channel.emit(Failed(_diverged(position.epoch + 1, position.learning_rate)))
            return "failed"
        examples = position.sums.pop(COUNT)
        means = {name: value / examples for name, value in position.sums.items()}
        position.epoch += 1
        self._channel.emit(
            EpochDone(
                epoch=position.epoch,
                phase=phase,
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
            self._seat.pass_on(charged=False)  # evaluation was compiled, for others too
            self._structure.hold(self._state)
            self._channel.emit(Baseline(self._run_data.baseline_loss(self._model)))
            self._baseline_sent = True
        return None

    def _speed(self, latest: float) -> float:
        """Examples a second of late, smoothed; the first chunk, which compiles, says nothing about the others."""
        first, self._rates = not self._rates, [*self._rates[-SMOOTHED:], latest]
        return latest if first else statistics.median(self._rates[1:] if len(self._rates) <= SMOOTHED else self._rates)

    def _chunk_steps(self, limit: float) -> int:
        """Steps until the next event: as many as take about a fifth of a second, in which all runs have a turn."""
        return max(1, min(self._chunk, int(limit * CHUNK_SECONDS) if limit < math.inf else self._chunk))

    def _chunk_seconds(self) -> float:
        return max(LEAST_CHUNK_SECONDS, CHUNK_SECONDS / self._seat.present)

    def _let_others(self, steps: int, limit: float) -> None:
        """Ends a turn of so many steps; returns in the next one, not before the speed limit (steps a second) allows."""
        now, charged = time.perf_counter(), len(self._rates) > 1  # the first chunk compiles, for others too
        self._due = max(self._due, now - CATCH_UP_SECONDS) + steps / limit if limit < math.inf else now
        if self._due <= now:
            self._seat.pass_on(steps, charged)
        else:
            self._seat.leave(steps, charged)
            self._channel.wait_for_command(self._due - now)
            self._seat.take()
        self._structure.hold(self._state)

    def _snapshot(self, force: bool = False) -> None:
        begun, compiling = time.monotonic(), self._snapped == -math.inf
        pause = max(SNAPSHOT_SECONDS, SNAPSHOT_SHARE * self._snapshot_cost * self._seat.present)
        if force or begun - self._snapped >= pause:
            self._channel.emit(self._run_data.snapshot(self._structure.predictor, self._fraction()))
            self._snapped = time.monotonic()
            self._snapshot_cost = 0.0 if compiling else self._snapped - begun

    def _fraction(self) -> float:
        return self._position.epoch + self._position.step / self._steps_per_epoch

    def _checkpoint(self, loop: Loop, force: bool = False) -> None:
        present = self._seat.present
        pause = max(CHECKPOINT_SECONDS * min(present, 5), CHECKPOINT_SHARE * self._checkpoint_cost * present)
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
        model = build(self._hyper, self._config.image_shape)  # the shared one was made for another run
        for variable, value in zip(model.variables, self._model.variables, strict=True):
            variable.assign(value)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            model.save(path)
            message = UNREAD if status == "paused" and self._channel.unread else ""
            self._channel.emit(Finished(status, metrics, path.read_bytes(), message))

    def _keep(self, arrays: Mapping[str, dict[str, np.ndarray]]) -> None:
        for name, content in arrays.items():
            self._channel.emit(Kept(name, content))

    def _tell_stage(self, stage: str) -> None:
        rate = self._position.learning_rate
        here = self._seat.present, self._seat.share, self._seat.seconds, self._held_bytes
        self._channel.emit(Progress(self._fraction(), math.nan, math.nan, rate, stage, "scoring", *here))
        self._seat.pass_on()
        self._structure.hold(self._state)


def _diverged(epoch: int, learning_rate: float) -> str:
    return (
        f"The loss stopped being a number in epoch {epoch}: the training diverged. Try a learning rate "
        f"below {learning_rate:g}; the last checkpoint is kept."
    )
