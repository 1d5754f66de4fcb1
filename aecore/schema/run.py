"""What a run is made from: a variant, a dataset and hyperparameters."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from aecore.errors import BadInput
from aecore.schema.base import IMAGE_SHAPE, ImageConfig, VariantConfig
from aecore.schema.registry import variant
from aecore.schema.sentence import Sentence

Status = Literal[
    "queued", "starting", "running", "paused", "stopped", "finished", "failed", "interrupted", "pretrained"
]
ACTIVE: tuple[Status, ...] = ("queued", "starting", "running")


class Speed(NamedTuple):
    """Limits that make a training slow enough to watch, in epochs and in steps a second; 0 is none."""

    epochs_per_second: float = 0.0
    steps_per_second: float = 0.0


@dataclass(frozen=True)
class RunConfig:
    """The configuration of a run, complete enough to train it again.

    Attributes:
        dataset: name in `aecore.datasets`.
        preset: the preset that the hyperparameters started from, or None.
        hyper: the variant's hyperparameters.
        image_shape: of the dataset, (height, width, channels); () for sentences.
    """

    dataset: str
    preset: str | None
    hyper: VariantConfig
    image_shape: tuple[int, ...]

    @classmethod
    def make(
        cls,
        name: str,
        dataset: str,
        preset: str | None = None,
        values: dict[str, Any] | None = None,
        image_shape: tuple[int, ...] = IMAGE_SHAPE,
    ) -> "RunConfig":
        """Builds and checks a configuration.

        Args:
            name: of the variant.
            dataset: name in `aecore.datasets`.
            preset: what the hyperparameters start from, or None.
            values: overriding ones by field name, as text or typed.
            image_shape: of the dataset; has no meaning for sentences.

        Raises:
            BadInput: anything in it cannot be used.
        """
        hyper = variant(name).make(preset, values)
        image_shape = image_shape if hyper.modality == "images" else ()
        hyper.check(image_shape)
        return cls(dataset, preset, hyper, image_shape)

    @property
    def variant(self) -> str:
        return self.hyper.name

    @property
    def parameters(self) -> int:
        """Number of weights of the model, fixed ones included."""
        return self.hyper.parameters(self.image_shape)

    @property
    def multiply_adds(self) -> int:
        """Multiplications with a weight that one image or sentence takes through encoder and decoder."""
        return self.hyper.multiply_adds(self.image_shape)

    @property
    def image_hyper(self) -> ImageConfig:
        """The hyperparameters of a run on images."""
        assert isinstance(self.hyper, ImageConfig)
        return self.hyper

    @property
    def sentence_hyper(self) -> Sentence:
        """The hyperparameters of a run on sentences."""
        assert isinstance(self.hyper, Sentence)
        return self.hyper

    def changed(self, **values: Any) -> "RunConfig":
        """The same run with other hyperparameters.

        Raises:
            BadInput: one of them cannot be used.
        """
        return dataclasses.replace(self, hyper=type(self.hyper).make(None, {**self.hyper.model_dump(), **values}))

    def to_json(self) -> dict[str, Any]:
        return {
            "variant": self.variant,
            "dataset": self.dataset,
            "preset": self.preset,
            "image_shape": list(self.image_shape),
            "fields": self.hyper.model_dump(mode="json"),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "RunConfig":
        """Reads what `to_json` wrote.

        Raises:
            BadInput: a field is missing, unknown or out of range.
        """
        missing = [name for name in ("variant", "dataset", "preset", "fields") if name not in data]
        if missing:
            raise BadInput(f"The configuration has no {' and no '.join(missing)}.")
        shape = tuple(data.get("image_shape", IMAGE_SHAPE))  # runs of older versions do not name it
        return cls.make(data["variant"], data["dataset"], None, data["fields"], shape).with_preset(data["preset"])

    def with_preset(self, preset: str | None) -> "RunConfig":
        """The same run, said to have started from a preset."""
        return dataclasses.replace(self, preset=preset)
