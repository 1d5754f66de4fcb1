"""Many visitors who press "Train a first model" in the same second, on one warm worker.

Each row is a measurement of one classroom: when the first points came, how far equal runs were apart, and how long all
took beside the same runs one after another at full speed.
"""

import contextlib
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aecore.compute.cluster import DaskBackend
from aecore.schema import RunConfig, Speed
from aecore.service import Service
from aecore.settings import Settings

FIRST = RunConfig.make("vanilla", "digits", "quick")
FIRST_SPEED = Speed(epochs_per_second=5.0)
BESIDE = RunConfig.make("convolutional", "mnist", "book", {"epochs": 1000})
POLL_SECONDS = 0.05
WARMING = 8


@dataclass
class Classroom:
    """What was seen.

    Attributes:
        first_points: seconds from the press to the first point of the curve, for each visitor.
        spread: largest difference in epochs between two visitors who had a first point, at any moment.
        seconds: until all had ended.
        memory: megabytes of the worker before and after.
        fair_share: device seconds of the run beside them, as a multiple of its fair share.
    """

    first_points: list[float] = field(default_factory=list)
    spread: float = 0.0
    seconds: float = 0.0
    memory: tuple[float, float] = (0.0, 0.0)
    fair_share: float = 0.0


@contextlib.contextmanager
def _service() -> Iterator[Service]:
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(Settings.from_env(), home=Path(folder))
        service = Service(settings, DaskBackend(settings))
        try:
            yield service
        finally:
            service.close()


def rows(visitors: int, beside: bool = False) -> Iterator[dict[str, Any]]:
    """Measures a classroom.

    Args:
        visitors: how many press in the same second.
        beside: whether a convolutional network trains on MNIST beside them.

    Yields:
        What was measured, its value, and the most that it may be.
    """
    with _service() as service:
        cold = _together(service, 1, None)
        yield row("cold: first point of the first visitor, s", cold.first_points[0], 20.0)
        # The worker is warm: it has compiled the structure, and had a few runs at once.
        _until_ended(service, [service.runs.train(FIRST.changed(epochs=3)) for _ in range(WARMING)])
        beside_it = service.runs.train(BESIDE) if beside else None
        if beside_it:
            _wait(lambda: service.runs.run(beside_it).position > 0)
        seen = _together(service, visitors, beside_it)
        before, after = seen.memory
        yield row("slowest first point, s", max(seen.first_points), 5.0)
        yield row("median first point, s", statistics.median(seen.first_points), 3.0)
        yield row("most and least advanced, epochs apart", seen.spread, 2.0)
        yield row("memory of the worker, after / before", after / before, 1.10, f"{before:.0f} and {after:.0f} MB")
        if beside_it:
            yield row("share of the long steps, of a fair one", seen.fair_share, 1.5, "at least 0.5")
            service.runs.pause(beside_it)
            _until_ended(service, [beside_it])
            return
        alone = _one_after_another(service, visitors)
        note = f"{seen.seconds:.1f} and {alone:.1f} s"
        yield row("all ended, together / one after another", seen.seconds / alone, 1.15, note)
        yield row("first point of another run alone, s", _together(service, 1, None).first_points[0], 0.7)


def memory_rows(runs: int) -> Iterator[dict[str, Any]]:
    """The worker's memory while runs of one structure, then of different ones, train one after another.

    Yields:
        Every tenth run a row: the memory as a multiple of what it was after the tenth.
    """
    alike = [FIRST.changed(epochs=3, seed=k) for k in range(runs)]
    different = [FIRST.changed(epochs=1, code_size=2 + k % 60, hidden=(20 + k,)) for k in range(runs)]
    for what, configs in (("alike", alike), ("different", different)):
        with _service() as service:
            tenth = 0.0
            for k, config in enumerate(configs, start=1):
                _until_ended(service, [service.runs.train(config)])
                if k % 10 == 0:
                    memory = worker_memory(service)
                    tenth = tenth or memory
                    yield row(f"memory after {k} runs {what}", memory / tenth, 1.15, f"{memory:.0f} MB")


def worker_memory(service: Service) -> float:
    """Resident memory of the worker, in megabytes."""
    return service.runs.worker_memory() / 1e6


def _together(service: Service, visitors: int, beside: str | None) -> Classroom:
    pressed: dict[str, float] = {}

    def press() -> None:
        at = time.monotonic()
        pressed[service.runs.train(FIRST, FIRST_SPEED)] = at

    seen, memory, points = Classroom(), worker_memory(service), {}
    threads = [threading.Thread(target=press) for _ in range(visitors)]
    begun = now = time.monotonic()
    from_position = service.runs.run(beside).position if beside else 0.0
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fair = 0.0
    while True:
        runs = {run.id: run for run in service.runs.all()}
        last, now = now, time.monotonic()
        mine = [runs[name] for name in pressed]
        points |= {run.id: now - pressed[run.id] for run in mine if run.position > 0 and run.id not in points}
        training = [run.position for run in mine if run.id in points and run.stage != "scoring"]
        seen.spread = max(seen.spread, max(training, default=0.0) - min(training, default=0.0))
        active = sum(run.active for run in mine)
        fair += (now - last) / (active + 1)
        if not active:
            break
        time.sleep(POLL_SECONDS)
    seen.seconds = now - begun
    seen.first_points, seen.memory = sorted(points.values()), (memory, worker_memory(service))
    if beside:
        run = service.runs.run(beside)
        seen.fair_share = (run.position - from_position) * run.train_size / run.samples_per_second / fair
    return seen


def _one_after_another(service: Service, visitors: int) -> float:
    begun = time.monotonic()
    for _ in range(visitors):
        _until_ended(service, [service.runs.train(FIRST)])
    return time.monotonic() - begun


def _until_ended(service: Service, names: list[str]) -> None:
    _wait(lambda: not any(service.runs.run(name).active for name in names))


def _wait(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(POLL_SECONDS)


def row(what: str, value: float, most: float, note: str = "") -> dict[str, Any]:
    """What was measured, its value, the most that it may be, and a note."""
    return {"what": what, "value": value, "most": most, "note": note}
