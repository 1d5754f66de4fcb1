"""An attempt at a run, from its loaded data to its last event, in turns with all others of this process."""

from aecore.datasets.for_run import Data
from aecore.messages.channel import Channel
from aecore.schema import RunConfig
from aecore.training.checkpoint import Stored
from aecore.training.registry import run_data
from aecore.training.structures import STRUCTURES
from aecore.training.trainer import Trainer
from aecore.training.turns import TURNS


def attempt(
    config: RunConfig, data: Data, channel: Channel, stored: Stored | None = None, until: int | None = None
) -> None:
    """Trains until the end, the pause or the stop.

    Args:
        config: the run.
        data: what `aecore.datasets.for_run.data_of` gave for it.
        channel: where events go and commands come from.
        stored: the checkpoint to go on from, or None for the beginning.
        until: pause after this epoch, or None to go on to the end.

    Raises:
        StorageError: the checkpoint does not fit the configuration.
    """
    with TURNS.seat(str(config.hyper.structure())) as seat, STRUCTURES.lent(config) as (structure, state):
        Trainer(config, run_data(config, data), structure, state, seat, channel, stored, until).run()
