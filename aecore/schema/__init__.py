"""Variants, hyperparameters, run configurations and events, declared once and free of TensorFlow."""

from aecore.schema.base import IMAGE_SHAPE, ImageConfig, VariantConfig
from aecore.schema.fields import FieldSpec
from aecore.schema.registry import VARIANTS, variant
from aecore.schema.run import ACTIVE, RunConfig, Speed, Status

__all__ = [
    "ACTIVE",
    "IMAGE_SHAPE",
    "VARIANTS",
    "FieldSpec",
    "ImageConfig",
    "RunConfig",
    "Speed",
    "Status",
    "VariantConfig",
    "variant",
]
