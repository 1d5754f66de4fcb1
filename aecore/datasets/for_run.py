"""The data of a run, whatever its kind."""

import threading
from collections import defaultdict

from aecore.datasets.evaluation import images_of
from aecore.datasets.load import Images
from aecore.datasets.text.corpus import Progress
from aecore.datasets.text.prepared import Text, text_of
from aecore.schema import RunConfig
from aecore.settings import Settings

Data = Images | Text
_loading: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)


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
    with _loading[config.dataset]:  # thirty visitors who start at once want one copy, and read once
        if config.hyper.modality == "sentences":
            return text_of(config, settings, progress)
        return images_of(config, settings)
