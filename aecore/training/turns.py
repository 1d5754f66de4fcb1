"""Turns at a device: many runs, one at a time, fair by the time that each has had.

Whoever has the turn computes; between two chunks of steps it passes on to the run that has had least. A run that waits
for its speed limit leaves, and is not waited for.
"""

import threading
import time
from collections import deque
from types import TracebackType
from typing import Any, Self

from cachetools import LRUCache

CREDIT = 0.1  # seconds that a run which comes, or comes back, may be ahead of the others
COSTS = 256  # turns over which the cost of a step is averaged
SHARES = 32  # turns over which a share of the device is averaged
GROUPS = 256


class Turns:
    """Seats of all runs that want a device."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.holder: Seat | None = None
        self.seats: list[Seat] = []
        self._clock = 0.0  # time that whoever had the last turn had used
        self._costs: LRUCache[Any, deque[tuple[int, float]]] = LRUCache(GROUPS)

    def seat(self, group: Any) -> "Seat":
        """A place among the runs; used as a context, within which its owner has the turn.

        Args:
            group: runs of one group, such as a structure, are charged alike for a step, so that they advance together
                whatever the clock says about a single turn.
        """
        return Seat(self, group)

    @property
    def present(self) -> int:
        """Runs that have the turn, wait for it, or wait for their speed limit."""
        return len(self.seats)

    def enter(self, seat: "Seat") -> None:
        """Adds a seat; as the first one it starts the clock."""
        with self._lock:
            if not self.seats:
                self._clock = 0.0
            seat.used = max(0.0, self._clock - CREDIT)
            self.seats.append(seat)

    def remove(self, seat: "Seat") -> None:
        with self._lock:
            self.seats.remove(seat)

    def take(self, seat: "Seat") -> None:
        """Waits until it is a seat's turn."""
        with self._lock:
            seat.used = max(seat.used, self._clock - CREDIT)
            seat.waiting = True
            self._grant()
        seat.granted.wait()
        seat.granted.clear()

    def give(self, seat: "Seat", cost: float) -> None:
        """Ends a seat's turn, for which it is charged so many seconds."""
        with self._lock:
            seat.used += cost
            self.holder = None
            self._grant()

    def others_first(self, seat: "Seat") -> bool:
        """Whether a run waits that has had less than this one."""
        return any(other.waiting and other.used < seat.used for other in self.seats)

    def cost(self, group: Any, steps: int, seconds: float) -> float:
        """What so many steps are charged, averaged over the last turns of a group, this one included."""
        turns = self._costs.setdefault(group, deque(maxlen=COSTS))
        turns.append((steps, seconds))
        return steps * sum(took for _, took in turns) / sum(count for count, _ in turns)

    def _grant(self) -> None:
        """Gives the turn, if nobody has it, to the one that has had least of those who wait."""
        seat = min((seat for seat in self.seats if seat.waiting), key=lambda seat: seat.used, default=None)
        if self.holder is None and seat is not None:
            self.holder, seat.waiting = seat, False
            self._clock = max(self._clock, seat.used)
            seat.granted.set()


class Seat:
    """A run's place; within the context its owner has the turn, except while it is away.

    Attributes:
        used: seconds of the device that it was charged.
        waiting: whether it waits for its turn.
        granted: set when the turn comes.
    """

    def __init__(self, turns: Turns, group: Any):
        self._turns, self._group = turns, group
        self.used, self.waiting, self.granted = 0.0, False, threading.Event()
        self._begun, self._had = 0.0, 0.0
        self._waited: deque[tuple[float, float]] = deque(maxlen=SHARES)  # seconds waited for a turn, and had

    @property
    def present(self) -> int:
        """Runs that share the device, this one included."""
        return self._turns.present

    @property
    def seconds(self) -> float:
        """Seconds for which this seat has had the turn, by the clock."""
        return self._had + (time.perf_counter() - self._begun if self._turns.holder is self else 0.0)

    @property
    def share(self) -> float:
        """Share of the device of late: of the time in which the run wanted it, how much it had; 1 at first."""
        waited, had = (sum(column) for column in zip(*self._waited, strict=True)) if self._waited else (0.0, 1.0)
        return had / (waited + had) if had else 1.0

    def __enter__(self) -> Self:
        self._turns.enter(self)
        try:
            self.take()
        except BaseException:
            self._turns.remove(self)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        if self._turns.holder is self:
            self.leave()
        self._turns.remove(self)

    def take(self) -> None:
        """Waits for the turn."""
        asked = time.perf_counter()
        self._turns.take(self)
        self._begun = time.perf_counter()
        self._waited.append((self._begun - asked, 0.0))

    def leave(self, steps: int = 0, charged: bool = True) -> None:
        """Gives the turn away, until `take`; see `pass_on`."""
        cost = self._cost(steps, charged)
        self._turns.give(self, cost)

    def pass_on(self, steps: int = 0, charged: bool = True) -> None:
        """Lets those go first who have had less; returns with the turn.

        Args:
            steps: that were taken since the turn began; 0 is charged by the clock.
            charged: whether the time counts; what is compiled serves others as well.
        """
        self.used += self._cost(steps, charged)
        if self._turns.others_first(self):
            self._turns.give(self, 0.0)
            self.take()
        else:
            self._begun = time.perf_counter()

    def _cost(self, steps: int, charged: bool) -> float:
        seconds = time.perf_counter() - self._begun
        self._waited.append((0.0, seconds))
        self._had += seconds
        if not charged:
            return 0.0
        return self._turns.cost(self._group, steps, seconds) if steps else seconds


TURNS = Turns()
