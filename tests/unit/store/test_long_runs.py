"""A run of any length: its replay spans it from end to end, and its files do not grow without end."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from aecore.messages.events import Device, Progress, Snapshot, Started
from aecore.schema import RunConfig
from aecore.store import eventlog
from aecore.store.repository import Repository
from tests.reports import report

EPOCHS, MOST = 400, 16
CONFIG = RunConfig.make("vanilla", "digits", None, {"epochs": EPOCHS})
STARTED = Started(Device("cpu", "CPU", "here"), 100, 10, train_size=100, test_size=20, total_epochs=EPOCHS)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    monkeypatch.setattr(eventlog, "MAX_SNAPSHOTS", MOST)
    store = Repository(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "runs")
    yield store
    store.close()


@pytest.fixture
def run(store: Repository) -> str:
    name = store.create(CONFIG)
    store.begin_attempt(name, CONFIG)
    report(store, name, 1, [STARTED])
    return name


def snapshots(*positions: float) -> list[Snapshot]:
    return [Snapshot(position, {"outputs": np.zeros(1)}) for position in positions]


@pytest.mark.parametrize("length", [MOST + 1, 3 * MOST, EPOCHS])
def test_a_replay_spans_the_whole_run(length: int, store: Repository, run: str, tmp_path: Path):
    report(store, run, 1, snapshots(*range(length + 1)))
    positions = store.snapshot_positions(run)
    assert positions[0] == 0
    assert positions[-1] == length
    assert MOST / 4 <= len(positions) <= MOST
    assert max(np.diff(positions)) <= length / 3, "a part of the run can no longer be seen"
    assert len(list((tmp_path / "runs" / run / "snapshots").iterdir())) == len(positions)


def test_ticks_have_a_limit(store: Repository, run: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(eventlog, "TICK_SPACING", 1 / 20)
    report(store, run, 1, [Progress(k * EPOCHS / 200, 1 / k, 1e4, 1e-3, "training") for k in range(1, 201)])
    ticks = store.curve(run).ticks
    assert len(ticks) == 20
    assert ticks[-1] == (EPOCHS, 1 / 200)
