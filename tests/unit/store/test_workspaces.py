"""Workspaces in one store: what each sees, what it may share, what it takes, and when it is cleared."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aecore.errors import BadInput
from aecore.messages.events import Checkpoint, Command, Device, EpochDone, Finished, Progress, Started
from aecore.schema import RunConfig
from aecore.store.repository import Repository
from aecore.store.tables import now
from aecore.store.views import SHARED
from tests.reports import report

CONFIG = RunConfig.make("vanilla", "digits", None, {"batch_size": 10, "epochs": 4})
STARTED = Started(Device("cpu", "CPU", "here"), 100, 10, train_size=100, test_size=20, total_epochs=4)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Repository]:
    opened = Repository(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "runs")
    yield opened
    opened.close()


def trained(store: Repository, seconds: float = 2.0) -> str:
    """A finished run."""
    name = store.create(CONFIG)
    store.begin_attempt(name, CONFIG)
    epoch = EpochDone(1, "training", 0.5, 0.6, 0.1, 1e4, 1e-3)
    progress = Progress(1.0, 0.5, 1e4, 1e-3, "training", device_seconds=seconds)
    report(store, name, 1, [STARTED, progress, epoch, Checkpoint(1, 0, b"state"), Finished("finished", {}, b"keras")])
    return name


READS: dict[str, Callable[[Repository, str], Any]] = {
    "run": lambda store, name: store.run(name),
    "curve": lambda store, name: store.curve(name),
    "snapshot": lambda store, name: store.snapshot(name),
    "positions": lambda store, name: store.snapshot_positions(name),
    "checkpoint": lambda store, name: store.checkpoint_epoch(name),
    "kept": lambda store, name: store.kept(name, "language"),
    "stamp": lambda store, name: store.weights_stamp(name),
    "model": lambda store, name: store.model(name),
    "shared as": lambda store, name: store.shared_as(name),
}
WRITES: dict[str, Callable[[Repository, str], Any]] = {
    "begin": lambda store, name: store.begin_attempt(name, CONFIG),
    "apply": lambda store, name: report(store, name, 1, []),
    "ask": lambda store, name: store.ask(name, Command(action="stop")),
    "end": lambda store, name: store.end(name, 1, "interrupted", ""),
    "learning rate": lambda store, name: store.ask_learning_rate(name, 0.1),
    "note": lambda store, name: store.note(name, "mine"),
    "share": lambda store, name: store.share(name),
    "unshare": lambda store, name: store.unshare(name),
    "remove": lambda store, name: store.remove(name),
}


@pytest.mark.parametrize("what", [*READS, *WRITES])
def test_a_run_of_another_workspace_does_not_exist(store: Repository, what: str):
    mine, other = store.of("a" * 32), store.of("b" * 32)
    name = trained(mine)
    before = store.run(name)
    with pytest.raises(BadInput, match=f"There is no run '{name}'"):
        (READS | WRITES)[what](other, name)
    assert store.run(name) == before
    assert [run.id for run in other.runs()] == []
    assert [run.id for run in mine.runs()] == [run.id for run in store.runs()] == [name]


@pytest.mark.parametrize("what", READS)
def test_a_shared_run_is_read_under_the_name_of_its_share(store: Repository, what: str):
    mine, other = store.of("a" * 32), store.of("b" * 32)
    name = trained(mine)
    share = mine.share(name)
    assert share.startswith(SHARED)
    assert name not in share
    assert mine.share(name) == share == mine.shared_as(name)
    READS[what](other, share)
    assert other.run(share).shared
    mine.unshare(name)
    with pytest.raises(BadInput, match="may have taken the link back"):
        READS[what](other, share)


@pytest.mark.parametrize("what", WRITES)
def test_a_shared_run_is_read_only(store: Repository, what: str):
    name = trained(store.of("a" * 32))
    share = store.of("a" * 32).share(name)
    for reader in (store.of("b" * 32), store.of("a" * 32), store):
        with pytest.raises(BadInput, match="A shared run is read-only"):
            WRITES[what](reader, share)


def test_what_a_workspace_takes_is_counted_for_it_alone(store: Repository):
    mine, other = store.of("a" * 32), store.of("b" * 32)
    trained(mine, seconds=2.0)
    trained(mine, seconds=3.0)
    usage = mine.usage()
    assert (usage.runs, usage.active) == (2, 0)
    assert usage.stored_bytes == 2 * (len(b"state") + len(b"keras"))
    assert usage.hour_seconds == pytest.approx(5.0)
    assert other.usage() == (0, 0, 0, 0.0)


def test_device_seconds_of_several_attempts_add_up(store: Repository):
    mine = store.of("a" * 32)
    name = trained(mine, seconds=2.0)
    mine.begin_attempt(name, CONFIG)
    for seconds in (0.5, 1.5):
        report(mine, name, 2, [Progress(1.0, 0.5, 1e4, 1e-3, "training", device_seconds=seconds)])
    assert mine.run(name).device_seconds == pytest.approx(3.5)
    assert mine.usage().hour_seconds == pytest.approx(3.5)


def test_a_workspace_that_nobody_uses_is_cleared_and_the_others_stay(store: Repository, tmp_path: Path):
    old, used = store.of("a" * 32), store.of("b" * 32)
    gone, stays = trained(old), trained(used)
    old.seen()
    used.seen()
    assert store.unused_since(now() - timedelta(days=1)) == []
    assert set(store.unused_since(now() + timedelta(days=1))) == {"a" * 32, "b" * 32}
    old.forget_workspace()
    assert [run.id for run in store.runs()] == [stays]
    assert not list((tmp_path / "runs" / gone).rglob("*.npz"))
    assert store.unused_since(now() + timedelta(days=1)) == ["b" * 32]


def test_a_store_of_an_older_version_opens_with_its_runs(tmp_path: Path):
    path = tmp_path / "store.db"
    first = Repository(f"sqlite:///{path}", tmp_path / "runs")
    name = trained(first)
    first.close()
    with sqlite3.connect(path) as old:
        for table in ("shares", "workspaces", "usage"):
            old.execute(f"DROP TABLE {table}")
        for column in ("workspace", "runs", "share", "device_seconds", "attempt_seconds"):
            old.execute(f"ALTER TABLE runs DROP COLUMN {column}")
    again = Repository(f"sqlite:///{path}", tmp_path / "runs")
    run = again.run(name)
    assert (run.status, run.runs, run.share, run.device_seconds) == ("finished", 1, 1.0, 0.0)
    assert len(again.curve(name).epochs) == 1
    assert again.of("a" * 32).runs() == []
    again.close()
