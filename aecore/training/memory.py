"""Whether a run fits into the memory of its process, asked before it begins."""

from aecore.datasets import Images
from aecore.datasets.for_run import Data
from aecore.errors import BadInput
from aecore.schema import RunConfig

FLOAT = 4  # bytes
COPIES = 6  # weights, gradients, two of the optimizer, the checkpoint, and the model that is saved
ROOM = 150_000_000  # bytes for what is compiled and computed on the way


def needed(config: RunConfig, data: Data) -> int:
    """Bytes that a run takes, roughly: its weights several times, and its data as floats when it is measured."""
    weights = COPIES * FLOAT * config.parameters
    if isinstance(data, Images):
        pixels = data.x_train.size + data.x_test.size
        noisy = 1 if config.image_hyper.noise == "none" else 2
        return weights + ROOM + pixels + noisy * FLOAT * pixels
    return weights + ROOM + 2 * data.ids.nbytes


def check_fits(config: RunConfig, data: Data, resident: int, limit: int | None) -> None:
    """Refuses a run that would not fit beside what the process holds already.

    Args:
        config: the run.
        data: what it is trained on.
        resident: bytes that the process holds.
        limit: bytes that it may hold, or None where nobody has set that.

    Raises:
        BadInput: in one sentence, with what can be done.
    """
    need = needed(config, data)
    if limit is not None and resident + need > limit:
        raise BadInput(
            f"This run needs about {need / 1e6:,.0f} MB, and the worker has {max(0, limit - resident) / 1e6:,.0f} of "
            f"its {limit / 1e6:,.0f} MB left: make its layers narrower, or try again when other runs have ended."
        )
