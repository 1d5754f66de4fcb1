"""The data of a run, whatever its kind."""

from aecore.datasets.evaluation import images_of
from aecore.datasets.load import Images
from aecore.datasets.text.corpus import Progress
from aecore.datasets.text.prepared import Text, text_of
from aecore.schema import RunConfig
from aecore.settings import Settings

Data = Images | Text


def data_of(config: RunConfig, settings: Settings, progress: Progress | None = None) -> Data:
    """What a run is trained and measured on.

    Args:
        config: the run.
        settings: where data lies.
        progress: called with the share that is done and what is being done; only a corpus takes long.

    Raises:
        BadInput: the dataset is of another kind, or has too little for this configuration.
        DataMissing: it is not on this machine, or cannot be read.
    """
    return text_of(config, settings, progress) if config.hyper.modality == "sentences" else images_of(config, settings)
