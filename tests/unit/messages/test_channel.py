"""The line between a training and its watcher: what is kept, in which order, and how commands add up."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from aecore.messages import channel as channel_module
from aecore.messages.channel import Channel
from aecore.messages.events import Checkpoint, Command, EpochDone, Event, Progress, Snapshot


def progress(position: float) -> Progress:
    return Progress(position, 0.5, 1000.0, 1e-3, "training")


def epoch(number: int) -> EpochDone:
    return EpochDone(number, "training", 0.5, 0.6, 1.0, 1000.0, 1e-3)


def snapshot(position: float, **arrays: int) -> Snapshot:
    return Snapshot(position, {name: np.full(2, value) for name, value in arrays.items()})


def checkpoint(number: int) -> Checkpoint:
    return Checkpoint(number, 0, bytes([number]))


@pytest.fixture
def channel() -> Channel:
    return Channel()


def test_events_are_handed_over_once(channel: Channel):
    channel.emit(epoch(1))
    assert channel.take() == [epoch(1)]
    assert channel.take() == []


def test_events_stay_until_they_are_acknowledged(channel: Channel):
    for event in (epoch(1), progress(1.5), epoch(2), progress(2.5)):
        channel.emit(event)
    first = channel.read(0)
    assert [report.event for report in first] == [epoch(1), epoch(2), progress(2.5)]
    assert channel.read(0) == first, "the answer may have been lost"
    channel.emit(epoch(3))
    assert [report.event for report in channel.read(first[1].number)] == [progress(2.5), epoch(3)]
    numbers = [report.number for report in channel.read(0)]
    assert numbers == sorted(numbers)
    assert channel.read(numbers[-1]) == []


@pytest.mark.parametrize("make", [progress, snapshot, checkpoint])
def test_of_what_is_replaceable_the_newest_is_kept(channel: Channel, make):
    for position in (1, 2, 3):
        channel.emit(make(position))
    (kept,) = channel.take()
    assert kept == make(3)
    channel.emit(make(4))
    assert channel.take() == [make(4)], "what was taken is not merged into"


def test_progress_of_one_stage_leaves_that_of_another(channel: Channel):
    scoring = replace(progress(2), stage="scoring")
    for event in (progress(1), progress(2), scoring, scoring):
        channel.emit(event)
    assert channel.take() == [progress(2), scoring]


def test_each_epoch_is_kept_in_its_order(channel: Channel):
    for number in range(1, 101):
        channel.emit(progress(number - 0.5))
        channel.emit(epoch(number))
        channel.emit(checkpoint(number))
    events = channel.take()
    assert [event.epoch for event in events if isinstance(event, EpochDone)] == list(range(1, 101))
    assert len(events) == 102


def test_what_is_kept_comes_after_what_it_rests_on(channel: Channel):
    """A reader that stores events one by one must not meet a checkpoint before the epoch it belongs to."""
    for event in (checkpoint(1), epoch(1), epoch(2), checkpoint(2), progress(2.5)):
        channel.emit(event)
    assert channel.take() == [epoch(1), epoch(2), checkpoint(2), progress(2.5)]


def test_a_newer_snapshot_keeps_what_only_the_first_has(channel: Channel):
    channel.emit(snapshot(0, clean=1, outputs=1))
    channel.emit(snapshot(1, outputs=2))
    (kept,) = channel.take()
    assert isinstance(kept, Snapshot)
    assert kept.position == 1
    assert {name: array[0] for name, array in kept.arrays.items()} == {"clean": 1, "outputs": 2}


def test_nothing_is_lost_between_threads(channel: Channel):
    writer = threading.Thread(target=lambda: [channel.emit(epoch(k)) for k in range(5000)])
    writer.start()
    taken: list[Event] = []
    while writer.is_alive():
        taken += channel.take()
    writer.join()
    taken += channel.take()
    assert [event.epoch for event in taken if isinstance(event, EpochDone)] == list(range(5000))


def test_with_nobody_reading_for_too_long_the_run_is_to_pause(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr(channel_module, "monotonic", lambda: now[0])
    channel = Channel(patience=60)
    now[0] = 59.0
    assert channel.command == Command()
    channel.read(0)
    now[0] = 118.0
    assert channel.command == Command()
    now[0] = 120.0
    assert channel.command == Command(action="pause")
    assert channel.unread
    channel.tell(Command(action="stop"))
    assert channel.command.action == "stop", "what was asked for comes first"
    channel.read(0)
    assert not channel.unread


def test_what_nobody_will_read_need_not_go_on(channel: Channel):
    channel.close()
    assert channel.command.action == "pause"


@pytest.mark.parametrize("end", ["acknowledged", "closed"])
def test_the_end_waits_for_its_reader(channel: Channel, end: str):
    channel.emit(epoch(1))
    waiting = threading.Thread(target=channel.wait_until_read, args=(60.0,))
    waiting.start()
    (report,) = channel.read(0)
    assert waiting.is_alive()
    if end == "acknowledged":
        channel.read(report.number)
    else:
        channel.close()
    waiting.join(10)
    assert not waiting.is_alive()


def test_commands_add_up(channel: Channel):
    assert channel.command == Command()
    channel.tell(Command(learning_rate=0.1, epochs_per_second=2))
    channel.tell(Command(learning_rate=0.2))
    channel.tell(Command(action="pause"))
    assert channel.command == Command(action="pause", learning_rate=0.2, epochs_per_second=2)


def test_full_speed_takes_a_limit_back(channel: Channel):
    channel.tell(Command(steps_per_second=5))
    channel.tell(Command(steps_per_second=0))
    assert channel.command.steps_per_second == 0


def test_a_waiting_training_hears_a_command_at_once(channel: Channel):
    waiter = threading.Thread(target=channel.wait_for_command, args=(3600,))
    waiter.start()
    channel.tell(Command(action="stop"))
    waiter.join(timeout=60)
    assert not waiter.is_alive()


def test_a_command_is_news_only_once(channel: Channel):
    channel.tell(Command(steps_per_second=5))
    channel.wait_for_command(3600)
    waiter = threading.Thread(target=channel.wait_for_command, args=(3600,))
    waiter.start()
    waiter.join(timeout=0.05)
    assert waiter.is_alive(), "the old command woke it again"
    channel.tell(Command(action="stop"))
    waiter.join(timeout=60)
    assert not waiter.is_alive()


@pytest.mark.parametrize("seconds", [0, -1])
def test_no_time_to_wait_returns_at_once(channel: Channel, seconds: float):
    channel.wait_for_command(seconds)
    assert channel.command == Command()
