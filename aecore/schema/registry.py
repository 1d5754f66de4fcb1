"""The variants by name. A new one is a schema class, a model in `aecore.models`, and a line here."""

from aecore.errors import BadInput
from aecore.schema.base import VariantConfig
from aecore.schema.contractive import Contractive
from aecore.schema.convolutional import Convolutional
from aecore.schema.dense import Denoising, Sparse, Stacked, Vanilla
from aecore.schema.fields import truncated
from aecore.schema.sentence import Sentence
from aecore.schema.variational import Variational

VARIANTS: dict[str, type[VariantConfig]] = {
    variant_class.name: variant_class
    for variant_class in (Vanilla, Sparse, Denoising, Stacked, Contractive, Convolutional, Variational, Sentence)
}


def variant(name: str) -> type[VariantConfig]:
    """The schema class of a variant.

    Raises:
        BadInput: there is none of that name.
    """
    try:
        return VARIANTS[name]
    except KeyError:
        known = ", ".join(VARIANTS)
        raise BadInput({"variant": f"There is no variant '{truncated(name)}'; the variants are {known}."}) from None
