"""Which material belongs to which kind of data."""

from aecore.datasets import Images
from aecore.schema import ImageConfig, RunConfig
from aecore.training.images import ImageMaterial
from aecore.training.material import Material


def material(config: RunConfig, data: Images) -> Material:
    """The dataset of a run as it is trained and measured on.

    Args:
        config: the run.
        data: what `aecore.datasets.kinds.data_of` gave for it.
    """
    assert isinstance(config.hyper, ImageConfig)
    return ImageMaterial(data, config.hyper)
