"""Keras models, one file a family. Importing a family imports TensorFlow; only workers do."""

import importlib
from typing import TYPE_CHECKING

from aecore.schema import VariantConfig

if TYPE_CHECKING:
    from aecore.models.base import Autoencoder


def build(hyper: VariantConfig, image_shape: tuple[int, ...]) -> "Autoencoder":
    """The untrained model of a configuration, with its weights drawn from the run's seed.

    Args:
        hyper: the variant's hyperparameters.
        image_shape: (height, width, channels).
    """
    module, name = hyper.model_class.split(":")
    model_class = getattr(importlib.import_module(module), name)
    return model_class(variant=hyper.name, fields=hyper.model_dump(mode="json"), image_shape=list(image_shape))
