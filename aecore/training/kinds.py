"""Which material belongs to which kind of data."""

from aecore.datasets import Images
from aecore.datasets.kinds import Data
from aecore.schema import ImageConfig, RunConfig
from aecore.schema.sentence import Sentence
from aecore.training.images import ImageMaterial
from aecore.training.material import Material
from aecore.training.sentences import SentenceMaterial


def material(config: RunConfig, data: Data) -> Material:
    """The dataset of a run as it is trained and measured on.

    Args:
        config: the run.
        data: what `aecore.datasets.kinds.data_of` gave for it.
    """
    if isinstance(data, Images):
        assert isinstance(config.hyper, ImageConfig)
        return ImageMaterial(data, config.hyper)
    assert isinstance(config.hyper, Sentence)
    return SentenceMaterial(data, config.hyper)
