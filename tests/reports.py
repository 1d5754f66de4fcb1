"""Events as a worker reports them to a store."""

import itertools
from collections.abc import Iterable

from aecore.messages.events import Event, Report
from aecore.store.repository import Repository

_numbers = itertools.count(1)


def report(store: Repository, run: str, attempt: int, events: Iterable[Event]) -> bool:
    """Stores events, each with a number after those of all before it."""
    return store.apply(run, attempt, [Report(next(_numbers), event) for event in events])
