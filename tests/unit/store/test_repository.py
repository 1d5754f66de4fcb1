"""Runs on disk: what was reported, attempts that exclude each other, and what a resume cuts back."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from aecore.errors import BadInput, StorageError
from aecore.messages.events import (
    Baseline,
    Checkpoint,
    Command,
    Device,
    EpochDone,
    Event,
    Failed,
    Finished,
    Progress,
    Report,
    Snapshot,
    Started,
)
from aecore.schema import RunConfig
from aecore.store.eventlog import MAX_SNAPSHOTS
from aecore.store.repository import MAX_TICKS, Repository
from tests.reports import report

CONFIG = RunConfig.make("vanilla", "digits", None, {"batch_size": 10, "epochs": 4})
STARTED = Started(Device("cpu", "CPU", "here"), 100, 10, train_size=100, test_size=20, total_epochs=4)


def epoch(number: int, **values: float) -> EpochDone:
    losses = {"loss": 1 / number, "val_loss": 2 / number, **values}
    return EpochDone(
        number, "training", **losses, seconds=0.1, samples_per_second=1e4, learning_rate=1e-3, parts={"x": 0.5}
    )


def progress(position: float, loss: float = 0.5) -> Progress:
    return Progress(position, loss, 1e4, 1e-3, "training")


def snapshot(position: float, fixed: bool = False) -> Snapshot:
    arrays = {"outputs": np.full((2, 3), position, np.float32)}
    return Snapshot(position, arrays | ({"clean": np.ones((2, 3), np.uint8)} if fixed else {}))


def checkpoint(number: int, step: int = 0) -> Checkpoint:
    return Checkpoint(number, step, f"state {number} {step}".encode())


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def losses(store: Repository, run: str) -> list[tuple[int, float]]:
    return [(epoch.epoch, epoch.loss) for epoch in store.curve(run).epochs]


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Callable[[], Repository]]:
    """Opens the same store again and again, as several programs would."""
    opened: list[Repository] = []

    def opener() -> Repository:
        opened.append(Repository(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "runs"))
        return opened[-1]

    yield opener
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], Repository]) -> Repository:
    return open_store()


@pytest.fixture
def run(store: Repository) -> str:
    """A run whose first attempt has begun."""
    name = store.create(CONFIG)
    assert store.begin_attempt(name, CONFIG).attempt == 1
    assert report(store, name, 1, [STARTED])
    return name


@pytest.fixture
def new_run(store: Repository) -> str:
    """A run of which nothing was reported yet."""
    name = store.create(CONFIG)
    store.begin_attempt(name, CONFIG)
    return name


def end(store: Repository, run: str, attempt: int = 1) -> None:
    store.end(run, attempt, "interrupted", "")


# Events


def test_what_is_reported_twice_or_out_of_order_changes_nothing(store: Repository, new_run: str):
    reports = [Report(k, event) for k, event in enumerate([STARTED, epoch(1), progress(1.5), epoch(2)], start=1)]
    store.apply(new_run, 1, reports[:3])
    seen = store.run(new_run), store.curve(new_run)
    for again in (reports[:3], reports[:1], reports[1:2], [Report(2, epoch(1, loss=9.0)), Report(1, Failed("no"))]):
        assert store.apply(new_run, 1, again)
        assert (store.run(new_run), store.curve(new_run)) == seen
    store.apply(new_run, 1, reports)
    assert losses(store, new_run) == [(1, 1.0), (2, 0.5)]


def test_a_new_attempt_counts_from_the_beginning(store: Repository, run: str):
    report(store, run, 1, [epoch(1), checkpoint(1)])
    end(store, run)
    store.begin_attempt(run, CONFIG)
    store.apply(run, 2, [Report(1, STARTED), Report(2, epoch(2))])
    assert losses(store, run) == [(1, 1.0), (2, 0.5)]


def test_an_event_that_cannot_be_stored_ends_nothing_but_itself(store: Repository, new_run: str):
    """A checkpoint before the start: nobody knows yet how many steps an epoch has."""
    events = [progress(0.5), checkpoint(0, 5), STARTED, epoch(1), checkpoint(1)]
    assert store.apply(new_run, 1, [Report(k, event) for k, event in enumerate(events, start=1)])
    view = store.run(new_run)
    assert view.status == "running"
    assert "(Checkpoint) could not be stored" in view.message
    assert losses(store, new_run) == [(1, 1.0)]
    assert store.checkpoint_epoch(new_run) == 1.0
    report(store, new_run, 1, [Finished("finished", {}, b"keras")])
    assert store.run(new_run).status == "finished"
    assert "(Checkpoint) could not be stored" in store.run(new_run).message


def test_commands_wait_for_whoever_follows_the_run(store: Repository, run: str, open_store: Callable[[], Repository]):
    elsewhere = open_store()
    elsewhere.ask(run, Command(learning_rate=0.1))
    elsewhere.ask(run, Command(action="pause"))
    asked = store.asked([run])
    told = [Command(learning_rate=0.1), Command(action="pause")]
    assert [(one.attempt, one.command) for one in asked] == [(1, command) for command in told]
    store.passed_on(asked[:1])
    assert [one.command for one in store.asked([run, "other"])] == told[1:]
    end(store, run)
    store.begin_attempt(run, CONFIG)
    assert store.asked([run]) == [], "what the attempt before was told is not for the next"
    end(store, run, 2)
    with pytest.raises(BadInput, match="is not being trained: it is interrupted"):
        elsewhere.ask(run, Command(action="stop"))


def test_what_was_reported_is_read_back(store: Repository, run: str):
    reported = [progress(0.5), epoch(1), Baseline(0.03), snapshot(1, fixed=True), checkpoint(1)]
    assert report(store, run, 1, reported)
    view, curve, picture = store.run(run), store.curve(run), store.snapshot(run)
    assert (view.status, view.position, view.baseline_loss, view.parameters) == ("running", 1, 0.03, 100)
    assert view.config == CONFIG
    assert view.device == STARTED.device
    assert vars(curve.epochs[0]) == vars(epoch(1))
    assert curve.ticks == ((0.5, 0.5),)
    assert picture is not None
    assert {name: array.shape for name, array in picture.arrays.items()} == {"outputs": (2, 3), "clean": (2, 3)}
    assert store.checkpoint_epoch(run) == 1


def test_the_end_is_read_back(store: Repository, run: str):
    report(store, run, 1, [epoch(1), Finished("stopped", {"mse": 0.1, "psnr": None}, b"keras")])
    assert store.run(run).status == "stopped"
    assert store.run(run).metrics == {"mse": 0.1, "psnr": None}
    assert store.model(run) == b"keras"


def test_a_failure_keeps_its_sentence(store: Repository, run: str):
    report(store, run, 1, [Failed("The training diverged.")])
    assert (store.run(run).status, store.run(run).message) == ("failed", "The training diverged.")
    with pytest.raises(BadInput, match="no model file yet"):
        store.model(run)


def test_only_the_newest_checkpoint_is_kept(store: Repository, run: str, tmp_path: Path):
    report(store, run, 1, [checkpoint(1), checkpoint(1, 5), checkpoint(2)])
    assert files(tmp_path / "runs") == {f"{run}/checkpoint-1-2.000000.npz"}
    end(store, run)
    assert store.begin_attempt(run, CONFIG).checkpoint == b"state 2 0"


def test_a_stale_attempt_changes_nothing(store: Repository, run: str, tmp_path: Path):
    report(store, run, 1, [epoch(1), checkpoint(1)])
    end(store, run)
    store.begin_attempt(run, CONFIG)
    before, kept = store.run(run), files(tmp_path / "runs")
    late = [
        epoch(2),
        progress(2.5),
        checkpoint(2),
        snapshot(2),
        Baseline(1),
        Failed("late"),
        Finished("stopped", {}, b""),
    ]
    for event in late:
        assert not report(store, run, 1, [event])
    end(store, run, attempt=1)
    assert store.run(run) == before
    assert len(store.curve(run).epochs) == 1
    assert files(tmp_path / "runs") == kept


def test_a_full_disk_loses_nothing(store: Repository, run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    report(store, run, 1, [epoch(1), checkpoint(1), snapshot(1, fixed=True)])
    before, kept = store.run(run), files(tmp_path / "runs")
    later: list[Event] = [checkpoint(2), snapshot(2), Finished("finished", {"mse": 0.1}, b"keras")]
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_disk)
        for event in later:
            with pytest.raises(StorageError, match=r"No disk space is left .* what was stored before is untouched"):
                report(store, run, 1, [event])
    assert store.run(run) == before
    assert files(tmp_path / "runs") == kept
    end(store, run)
    assert store.begin_attempt(run, CONFIG).checkpoint == b"state 1 0"
    assert report(store, run, 2, later)


# Attempts


def test_an_attempt_cuts_the_log_back_to_the_checkpoint(store: Repository, run: str):
    report(store, run, 1, [progress(0.5), epoch(1), snapshot(1, fixed=True), progress(1.5), checkpoint(1, 5)])
    report(store, run, 1, [progress(1.7), snapshot(1.7), epoch(2), progress(2.5)])
    end(store, run)
    job = store.begin_attempt(run, CONFIG, until=3)
    assert (job.attempt, job.checkpoint, job.until) == (2, b"state 1 5", 3)
    assert [row.epoch for row in store.curve(run).epochs] == [1]
    assert [position for position, _ in store.curve(run).ticks] == [0.5, 1.5]
    assert store.snapshot_positions(run) == [1]
    assert (store.run(run).status, store.run(run).position) == ("queued", 1.5)


def test_without_a_checkpoint_it_starts_from_nothing(store: Repository, run: str):
    report(store, run, 1, [progress(0.5), epoch(1)])
    end(store, run)
    assert store.begin_attempt(run, CONFIG).checkpoint is None
    assert store.curve(run).epochs == store.curve(run).ticks == ()


def test_an_active_run_is_refused(store: Repository, run: str):
    report(store, run, 1, [epoch(1), progress(1.5)])
    before = store.run(run), store.curve(run)
    with pytest.raises(BadInput, match=f"{run} is already being trained"):
        store.begin_attempt(run, CONFIG)
    assert (store.run(run), store.curve(run)) == before


def test_of_two_attempts_at_once_one_wins(open_store: Callable[[], Repository], store: Repository):
    name, stores = store.create(CONFIG), [open_store() for _ in range(4)]
    gate, outcomes = threading.Barrier(len(stores)), []

    def attempt(own: Repository) -> None:
        gate.wait()
        try:
            outcomes.append(own.begin_attempt(name, CONFIG).attempt)
        except BadInput as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=attempt, args=(own,)) for own in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [1, *[f"The run {name} is already being trained."] * 3]


def test_a_damaged_checkpoint_leaves_the_run_as_it_was(store: Repository, run: str, tmp_path: Path):
    report(store, run, 1, [epoch(1), checkpoint(1), progress(1.5)])
    end(store, run)
    before = store.run(run), store.curve(run)
    (tmp_path / "runs" / run / "checkpoint-1-1.000000.npz").write_bytes(b"state 1 1")
    with pytest.raises(StorageError, match="damaged"):
        store.begin_attempt(run, CONFIG)
    assert (store.run(run), store.curve(run)) == before


def test_a_learning_rate_asked_for_holds_for_the_next_attempt(store: Repository, run: str):
    store.ask_learning_rate(run, 0.25)
    end(store, run)
    assert store.begin_attempt(run, CONFIG).learning_rate == 0.25


@pytest.mark.parametrize("owner", ["{host}|999999999|0", "{host}|{pid}|12345", ""])
def test_runs_of_a_dead_process_are_orphans(store: Repository, owner: str):
    host, pid, _ = store.owner.split("|")
    mine, ended, elsewhere, lost = (store.create(CONFIG) for _ in range(4))
    for name, whose in ((mine, store.owner), (ended, ""), (elsewhere, f"not-{host}|1|0"), (lost, owner)):
        store.owner = whose.format(host=host, pid=pid)
        store.begin_attempt(name, CONFIG)
    end(store, ended)
    assert [view.id for view in store.orphans()] == [lost]


# Long runs


def test_snapshots_are_thinned_more_where_less_happens(store: Repository, run: str, tmp_path: Path):
    last = MAX_SNAPSHOTS + 40
    report(store, run, 1, [snapshot(k, fixed=k == 0) for k in range(last + 1)])
    positions = store.snapshot_positions(run)
    assert MAX_SNAPSHOTS / 2 <= len(positions) <= MAX_SNAPSHOTS
    assert positions[0] == 0
    assert positions[-1] == last
    gaps = np.diff(positions)
    assert gaps[:20].max() == 1, "the beginning, where most happens, is whole"
    assert gaps.max() <= 4
    assert len(files(tmp_path / "runs" / run / "snapshots")) == len(positions)
    shown = store.snapshot(run, 20.5)
    assert shown is not None
    assert shown.position == 20
    assert (shown.arrays["outputs"] == 20).all()
    assert (shown.arrays["clean"] == 1).all(), "what never changes belongs to every snapshot"


def test_a_long_curve_is_thinned_from_end_to_end(store: Repository, run: str):
    report(store, run, 1, [progress(k / 325, loss=1 / k) for k in range(1, 1301)])
    ticks = store.curve(run).ticks
    assert MAX_TICKS / 2 <= len(ticks) <= MAX_TICKS
    assert ticks[0][0] < 0.02
    assert ticks[-1][0] > 3.98
    assert all(before < after for (before, _), (after, _) in pairwise(ticks))


# Names


def test_unknown_runs_are_bad_input(store: Repository):
    for function in (
        store.run,
        lambda name: store.begin_attempt(name, CONFIG),
        lambda name: report(store, name, 1, [epoch(1)]),
    ):
        with pytest.raises(BadInput, match="There is no run 'nothing'"):
            function("nothing")
