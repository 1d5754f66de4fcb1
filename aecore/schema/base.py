"""What every variant has: optimisation and the checks that hold its fields together; for images also corruption."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from aecore.errors import BadInput
from aecore.schema.fields import FieldSpec, explain, field_specs, hyper, truncated, typed

IMAGE_SHAPE = (28, 28, 1)  # of the datasets that are known, and of all runs of older versions
MAX_PARAMETERS = 50_000_000
_GAUSSIAN = ("noise", ("gaussian",))
_SHARES = ("noise", ("masking", "salt_and_pepper"))
_DECAYING = ("schedule", ("cosine", "exponential"))


class VariantConfig(BaseModel, ABC):
    """Hyperparameters of one variant: frozen, every field declared with `hyper`.

    A variant sets the class attributes, adds fields, and says how many parameters its model has; its
    Keras model is named by `model_class` and imported only where it is trained.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    how_it_works: ClassVar[str]
    model_class: ClassVar[str]
    presets: ClassVar[dict[str, dict[str, Any]]]
    modality: ClassVar[Literal["images", "sentences"]]
    baseline_note: ClassVar[str] = "Below PCA's line, the network beats it."

    optimizer: Literal["adam", "adamw", "rmsprop", "sgd"] = hyper(
        "adam", "Optimisation", "Optimizer", "How weights follow the gradient; SGD uses momentum."
    )
    learning_rate: float = hyper(
        1e-3, "Optimisation", "Learning rate", "Size of a step; it can be changed while the model trains.",
        ge=1e-6, le=10, step=1e-4, compiled=False,
    )  # fmt: skip
    schedule: Literal["constant", "cosine", "exponential"] = hyper(
        "constant", "Optimisation", "Schedule",
        "How the learning rate goes from its start to its end over the run.",
    )  # fmt: skip
    final_learning_rate: float = hyper(
        0.01, "Optimisation", "End of the schedule", "Learning rate at the end, as a share of the learning rate.",
        ge=1e-6, le=1, step=0.01, when=_DECAYING, compiled=False,
    )  # fmt: skip
    momentum: float = hyper(
        0.9, "Optimisation", "Momentum", "Share of the last step that is carried into the next (SGD).",
        ge=0, le=0.999, step=0.05, when=("optimizer", ("sgd",)),
    )  # fmt: skip
    weight_decay: float = hyper(
        0.0, "Optimisation", "Weight decay",
        "Decoupled weight decay: each step shrinks every weight by this share times the learning rate.",
        ge=0, le=1, step=1e-4,
    )  # fmt: skip
    batch_size: int = hyper(128, "Optimisation", "Batch size", "Examples in one gradient step.", ge=1, le=8192, step=32)
    epochs: int = hyper(10, "Run", "Epochs", "Passes over the training data.", ge=1, le=10_000, step=1, compiled=False)
    seed: int = hyper(
        0, "Run", "Seed", "Start of every random number: first weights, order of the training data, noise.",
        ge=0, le=2**31 - 1, step=1, compiled=False,
    )  # fmt: skip
    precision: Literal["float32", "mixed_bfloat16"] = hyper(
        "float32", "Run", "Precision",
        "Mixed precision halves the memory and is faster on recent GPUs; on a CPU it is slower.",
    )  # fmt: skip

    @classmethod
    def fields(cls) -> tuple[FieldSpec, ...]:
        """The variant's hyperparameters, grouped."""
        return field_specs(cls)

    @classmethod
    def make(cls, preset: str | None = None, values: dict[str, Any] | None = None) -> Self:
        """A configuration from a preset and what overrides it.

        Args:
            preset: name in `presets`, or None for the fields' defaults.
            values: overriding values by field name, as text or typed.

        Raises:
            BadInput: an unknown preset or field, a value out of range, values that do not go together.
        """
        if preset is not None and preset not in cls.presets:
            known = ", ".join(cls.presets)
            raise BadInput({"preset": f"{cls.name} has no preset '{truncated(preset)}'; its presets are {known}."})
        received = {**(cls.presets[preset] if preset else {}), **(values or {})}
        try:
            return cls.model_validate(received)
        except ValidationError as error:
            raise explain(error, cls, cls.name, received) from None

    def baseline_title(self, image_shape: tuple[int, ...]) -> str:
        """What the loss is compared with, in a few words."""
        return f"PCA, {min(self.code_units, math.prod(image_shape))} components"

    @property
    @abstractmethod
    def loss_title(self) -> str:
        """What the loss is, with its unit, in a few words."""

    @property
    def metrics_note(self) -> str:
        """What has to be known to read the scorecard, in a sentence, or ""."""
        return ""

    @abstractmethod
    def parameters(self, image_shape: tuple[int, ...]) -> int:
        """Number of weights of the model, fixed ones included; for sentences the shape has no meaning."""

    @abstractmethod
    def multiply_adds(self, image_shape: tuple[int, ...]) -> int:
        """Multiplications with a weight that one image or sentence takes through encoder and decoder."""

    @property
    @abstractmethod
    def code_units(self) -> int:
        """Numbers that one image or sentence is turned into."""

    def phases(self) -> tuple[tuple[str, int], ...]:
        """The parts of the training in their order: (name, epochs)."""
        return (("training", self.epochs),)

    def steps_per_epoch(self, train_size: int) -> int:
        """Gradient steps in a pass over so many training examples; the last batch may be a smaller one."""
        return -(-train_size // min(self.batch_size, train_size))

    @property
    def total_epochs(self) -> int:
        return sum(epochs for _, epochs in self.phases())

    def arguments(self) -> Mapping[str, float]:
        """Numbers that the compiled step is given, by field; those that are 0 switch a term off and are compiled in."""
        values = self.model_dump()
        given = [spec for spec in self.fields() if not spec.compiled and spec.type == "float" and spec.relevant(values)]
        return {"seed": self.seed} | {spec.name: values[spec.name] for spec in given if values[spec.name]}

    def structure(self) -> dict[str, Any]:
        """All that is compiled in: runs in which it is equal differ in arguments, weights and data alone."""
        values, given = self.model_dump(mode="json"), self.arguments()
        compiled = {spec.name: values[spec.name] for spec in self.fields() if spec.compiled and spec.relevant(values)}
        return {"variant": self.name, **compiled, "arguments": sorted(given)}

    def check(self, image_shape: tuple[int, ...]) -> None:
        """Refuses a model too large to train.

        Raises:
            BadInput: more than `MAX_PARAMETERS` parameters.
        """
        count = self.parameters(image_shape)
        if count > MAX_PARAMETERS:
            field = next(name for name in ("hidden", "filters", "code_size") if has_effect(self, name))
            raise BadInput(
                {field: f"This model would have {count:,} parameters; the most allowed is {MAX_PARAMETERS:,}."}
            )

    @field_validator("*", mode="before")
    @classmethod
    def _as_typed(cls, value: Any, info: ValidationInfo) -> Any:
        return typed(value, next(spec.type for spec in cls.fields() if spec.name == info.field_name))


def has_effect(hyper: VariantConfig, field: str) -> bool:
    """Whether a configuration has a field and shows it: others may hold anything."""
    values = hyper.model_dump()
    return any(spec.name == field and spec.relevant(values) for spec in hyper.fields())


class ImageConfig(VariantConfig, ABC):
    """A variant that is trained on images."""

    modality: ClassVar[Literal["images", "sentences"]] = "images"

    noise: Literal["none", "gaussian", "masking", "salt_and_pepper"] = hyper(
        "none", "Noise", "Noise", "What is done to the input; the target of the reconstruction stays clean."
    )
    noise_mean: float = hyper(
        0.0, "Noise", "Noise mean", "Mean of the Gaussian noise added to each pixel, in units of full white.",
        ge=-1, le=1, step=0.05, when=_GAUSSIAN, compiled=False,
    )  # fmt: skip
    noise_std: float = hyper(
        0.5, "Noise", "Noise standard deviation",
        "Standard deviation of the Gaussian noise, in units of full white.",
        ge=0, le=2, step=0.05, when=_GAUSSIAN, compiled=False,
    )  # fmt: skip
    noise_fraction: float = hyper(
        0.3, "Noise", "Share of pixels hit",
        "Share of the pixels switched off (masking), or set to black or white (salt and pepper).",
        ge=0, le=1, step=0.05, when=_SHARES, compiled=False,
    )  # fmt: skip
    clip: bool = hyper(
        True, "Noise", "Clip to [0, 1]", "Whether noisy pixels are cut back to the range of real ones.", when=_GAUSSIAN
    )
    fresh_noise: bool = hyper(
        True, "Noise", "Fresh noise",
        "Whether new noise is drawn in every step, or once for each image and then kept, as in the textbook.",
        when=("noise", ("gaussian", "masking", "salt_and_pepper")), compiled=False,
    )  # fmt: skip
    shuffle: bool = hyper(
        True, "Optimisation", "Shuffle",
        "Whether the training images come in a new random order in every epoch; else in the order of the file, as in "
        "the textbook's own loop.", compiled=False,
    )  # fmt: skip
    held_out: Literal["test", "validation"] = hyper(
        "test", "Run", "Held-out images",
        "What is measured: the dataset's test images, or the last sixth of the training images, which are then not "
        "trained on; choose settings with the latter, and leave the test images for the end.", compiled=False,
    )  # fmt: skip
    left_out: Literal["none", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] = hyper(
        "none", "Run", "Class left out",
        "Images of this class, by its number, are not trained on and so are new to the model: held-out images keep all "
        "classes, for the page Novelty.", compiled=False,
    )  # fmt: skip

    @abstractmethod
    def baseline_loss(self, metrics: Mapping[str, float]) -> float:
        """The loss of a linear baseline, from its `aecore.analysis.images.reconstruction_metrics`."""

    @property
    def binary(self) -> bool:
        """Whether the images are turned black and white, each pixel at random with its grey as the probability."""
        return False


class PixelLossConfig(ImageConfig, ABC):
    """A variant that minimises a mean over the pixels."""

    loss: Literal["mse", "bce"] = hyper(
        "mse", "Objective", "Reconstruction loss",
        "Mean squared error, or binary cross-entropy computed on logits; both are means over the pixels.",
    )  # fmt: skip

    @property
    def loss_title(self) -> str:
        return {"mse": "mean squared error", "bce": "binary cross-entropy"}[self.loss]

    def baseline_loss(self, metrics: Mapping[str, float]) -> float:
        return metrics[self.loss]
