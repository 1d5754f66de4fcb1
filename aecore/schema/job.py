"""What a run needs to be trained, from the beginning or from a checkpoint; sent to a worker as it is."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Job:
    """One attempt at a run.

    Attributes:
        run: the run's name.
        attempt: counts the attempts at it, from 1; whatever an older attempt reports is stale.
        config: `RunConfig.to_json`.
        checkpoint: the state to go on from, or None for the beginning.
        until: pause after this epoch, or None.
        learning_rate: base of the schedule if it was changed on the way, or None.
    """

    run: str
    attempt: int
    config: dict[str, Any]
    checkpoint: bytes | None = None
    until: int | None = None
    learning_rate: float | None = None

    @property
    def key(self) -> str:
        return f"{self.run}#{self.attempt}"
