"""Images and sentences as a run is trained on them: which class does which."""

from aecore.datasets import Images
from aecore.datasets.for_run import Data
from aecore.schema import ImageConfig, RunConfig
from aecore.schema.sentence import Sentence
from aecore.training.image_data import ImageRunData
from aecore.training.run_data import RunData
from aecore.training.sentence_data import SentenceRunData


def run_data(config: RunConfig, data: Data) -> RunData:
    """The dataset of a run as it is trained and measured on.

    Args:
        config: the run.
        data: what `aecore.datasets.for_run.data_of` gave for it.
    """
    if isinstance(data, Images):
        assert isinstance(config.hyper, ImageConfig)
        return ImageRunData(data, config.hyper)
    assert isinstance(config.hyper, Sentence)
    return SentenceRunData(data, config.hyper)
