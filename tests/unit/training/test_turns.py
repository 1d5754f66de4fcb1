"""Turns at a device: who goes first, what is charged, who is waited for."""

import threading
from collections.abc import Callable

import pytest

from aecore.training import turns as module
from aecore.training.turns import Seat, Turns
from tests.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


class Worker:
    """Runs that work in threads; all begin once every one of them has its seat or waits for it."""

    def __init__(self, clock: Clock):
        self.turns, self.clock = Turns(), clock
        self.order: list[str] = []
        self._threads: list[threading.Thread] = []

    def add(self, name: str, group: str, turns: int, seconds: Callable[[int], float], steps: int = 1) -> None:
        def work() -> None:
            with self.turns.seat(group) as seat:
                for k in range(turns):
                    self.order.append(name)
                    self.clock.now += seconds(k)
                    seat.pass_on(steps)

        self._threads.append(threading.Thread(target=work))

    def run(self) -> list[str]:
        """The names of the runs in the order of their turns."""
        with self.turns.seat("the one that opens the door"):
            for count, thread in enumerate(self._threads, start=2):
                thread.start()
                while sum(seat.waiting for seat in self.turns.seats) < count - 1:
                    threading.Event().wait(0.001)
        for thread in self._threads:
            thread.join()
        return self.order


def shares(order: list[str], upto: int) -> dict[str, int]:
    return {name: order[:upto].count(name) for name in set(order)}


def test_equal_runs_go_round_whatever_a_single_turn_takes(clock: Clock):
    worker = Worker(clock)
    for k in range(5):
        worker.add(f"run {k}", "alike", 40, lambda turn, k=k: 0.01 * (1 + (7 * turn + 3 * k) % 5))
    order = worker.run()
    for upto in range(len(order)):
        counts = shares(order, upto).values()
        assert max(counts) - min(counts) <= 2


def test_turns_are_fair_by_time_and_not_by_number(clock: Clock):
    worker = Worker(clock)
    worker.add("long steps", "convolutional", 50, lambda _: 0.2)
    for k in range(3):
        worker.add(f"short {k}", "dense", 500, lambda _: 0.02)
    order = worker.run()
    counts = shares(order, 400)
    assert counts["long steps"] == pytest.approx(400 / 31, abs=2)
    assert all(counts[f"short {k}"] == pytest.approx(4000 / 31, abs=3) for k in range(3))


def test_who_comes_late_catches_up_a_little_and_no_more(clock: Clock):
    turns = Turns()
    with turns.seat("old") as old:
        clock.now += 100.0
        old.leave()
        with turns.seat("new") as new:
            assert new.used == pytest.approx(0.0), "nobody has come since the clock began"
            clock.now += 0.01
            new.leave()
            old.take()
            clock.now += 0.01
            old.leave()
            with turns.seat("newer") as newer:
                assert newer.used == pytest.approx(100.0 - module.CREDIT, abs=0.05)


def test_a_run_that_is_away_is_not_waited_for(clock: Clock):
    turns = Turns()
    with turns.seat("slow") as slow:
        slow.leave()
        with turns.seat("fast") as fast:
            for _ in range(3):
                clock.now += 1.0
                fast.pass_on()
            assert turns.holder is fast
            assert fast.present == 2
        slow.take()
        assert turns.holder is slow


def test_what_is_compiled_is_charged_to_nobody(clock: Clock):
    with Turns().seat("any") as seat:
        clock.now += 5.0
        seat.pass_on(1, charged=False)
        assert seat.used == 0.0
        clock.now += 0.5
        seat.pass_on(10)
        assert seat.used == pytest.approx(0.5)


def test_a_run_that_fails_gives_its_turn_away(clock: Clock):
    turns = Turns()
    with pytest.raises(MemoryError), turns.seat("failing"):
        raise MemoryError
    assert turns.present == 0
    with turns.seat("next") as seat:
        assert isinstance(seat, Seat)


def test_the_share_is_what_a_run_had_of_its_time(clock: Clock):
    turns = Turns()
    with turns.seat("alone") as alone:
        clock.now += 1.0
        alone.pass_on()
        assert alone.share == 1.0
