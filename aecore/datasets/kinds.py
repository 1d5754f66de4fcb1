"""The data of a run, whatever its kind."""

from aecore.datasets.load import Images
from aecore.datasets.measured import images_of
from aecore.schema import RunConfig
from aecore.settings import Settings


def data_of(config: RunConfig, settings: Settings) -> Images:
    """What a run is trained and measured on.

    Raises:
        DataMissing: the dataset is not on this machine, or cannot be read.
    """
    return images_of(config, settings)
