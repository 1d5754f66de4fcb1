"""Pages that are drawn again by themselves: the more who watch, the less often."""

import pytest

from pages.components.shared import redrawing
from pages.components.shared.redrawing import REFRESH_SECONDS, Load
from tests.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(redrawing, "time", made)
    return made


def watched(clock: Clock, visitors: int, seconds: float) -> float:
    """The pause after a minute in which so many watched, each drawing taking so long."""
    load, due = Load(), [clock.now] * visitors
    for _ in range(600):
        clock.now += 0.1
        for k, at in enumerate(due):
            if at <= clock.now:
                load.drawn(str(k), seconds)
                due[k] = clock.now + load.pause()
    return load.pause()


def test_one_visitor_sees_two_drawings_a_second(clock: Clock):
    assert watched(clock, 1, 0.05) == REFRESH_SECONDS


def test_thirty_visitors_take_half_of_a_core_and_not_more(clock: Clock):
    pause = watched(clock, 30, 0.05)
    assert 30 * 0.05 / pause <= 0.75
    assert pause <= 10 * REFRESH_SECONDS


def test_when_they_have_left_it_is_as_before(clock: Clock):
    load = Load()
    for k in range(30):
        load.drawn(str(k), 0.05)
    assert load.pause() > REFRESH_SECONDS
    clock.now += 16
    assert load.pause() == REFRESH_SECONDS
