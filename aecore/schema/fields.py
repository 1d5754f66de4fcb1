"""How a hyperparameter is declared once: bounds, step, default, group and a sentence of help.

The form, the command line, the validation and the URL are all made from the `FieldSpec`s read back from it.
"""

import functools
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from aecore.errors import BadInput

GROUPS = ("Text", "Architecture", "Objective", "Sparsity", "Noise", "Optimisation", "Run")
WIDTHS_HELP = "whole numbers separated by commas, such as 512,128,64, or nothing at all"
Width = Annotated[int, Field(ge=1, le=4096)]
Filters = Annotated[int, Field(ge=1, le=512)]
_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_YES_OR_NO = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def hyper(
    default: Any,
    group: str,
    label: str,
    help: str,  # noqa: A002 (the field's standard name)
    *,
    ge: float | None = None,
    le: float | None = None,
    step: float | None = None,
    when: tuple[str, tuple] | None = None,
    compiled: bool = True,
) -> Any:
    """Declares a hyperparameter.

    Args:
        default: value when neither preset nor visitor says otherwise.
        group: one of `GROUPS`.
        label: a few words for the form.
        help: one sentence, with the unit where there is one.
        ge: least allowed value; those of widths are in their type.
        le: greatest allowed value.
        step: step of the form's number field.
        when: (other field, its values) for which this field has an effect; it always has one in a variant
            without that other field.
        compiled: whether the value is a constant of the compiled step. Others are its arguments, or have nothing to
            do with it, and runs that differ in them alone share what is compiled.
    """
    extra = {"group": group, "step": step, "when": when, "compiled": compiled}
    return Field(default, title=label, description=help, json_schema_extra=extra, ge=ge, le=le)


@dataclass(frozen=True)
class FieldSpec:
    """One hyperparameter as the form and the command line see it."""

    name: str
    type: Literal["int", "float", "bool", "choice", "widths"]
    default: Any
    minimum: float | None
    maximum: float | None
    step: float | None
    choices: tuple[str, ...] | None
    label: str
    help: str
    group: str
    when: tuple[str, tuple] | None
    compiled: bool
    _adapter: TypeAdapter[Any] = field(repr=False, compare=False)

    def relevant(self, values: dict[str, Any]) -> bool:
        """Whether the field has an effect beside these values of the others; a variant may lack the deciding one."""
        return self.when is None or self.when[0] not in values or values[self.when[0]] in self.when[1]

    def as_json(self) -> dict[str, Any]:
        default = list(self.default) if self.type == "widths" else self.default
        return {
            "name": self.name,
            "type": self.type,
            "default": default,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "choices": list(self.choices) if self.choices else None,
            "help": self.help,
            "label": self.label,
            "group": self.group,
        }

    def parse(self, text: Any) -> Any:
        """Turns what was typed into a value of the field's type and range.

        Args:
            text: a string, or a value that already has the field's type.

        Raises:
            BadInput: it cannot be read, or is out of range.
        """
        try:
            return self._adapter.validate_python(typed(text, self.type))
        except ValueError:
            raise BadInput({self.name: self.refusal(text)}) from None

    @property
    def span(self) -> str:
        """The allowed range in words, or "" where there is none."""
        if self.minimum is None or self.maximum is None:
            return ""
        least, most = (str(int(x)) if x == int(x) else f"{x:g}" for x in (self.minimum, self.maximum))
        return f"from {least} to {most}"

    def text(self, value: Any) -> str:
        """The value as it is written on the command line and in the URL; `parse` reads it back."""
        if self.type == "widths":
            return ",".join(str(width) for width in value)
        return str(value).lower() if self.type == "bool" else str(value)

    def refusal(self, received: Any) -> str:
        """The sentence that says what the field takes."""
        span = self.span
        allowed = {
            "int": f"a whole number {span}",
            "float": f"a number {span}",
            "bool": "true or false",
            "choice": "one of " + ", ".join(self.choices or ()),
            "widths": f"{WIDTHS_HELP}, each {span}",
        }[self.type]
        return f"{self.name} takes {allowed.strip()}; received '{truncated(received)}'."


def truncated(received: Any) -> str:
    """What was received, on one line and not too long, for an error message."""
    text = " ".join(str(received).splitlines())
    return text if len(text) <= 60 else text[:59] + "…"


def typed(value: Any, type_: str) -> Any:
    """What was typed, as the field's type; pydantic checks the rest, and what is no text.

    Stricter than Python, which reads "1_0" and the digits of other scripts as numbers.

    Args:
        value: a string, or a value that already has the type.
        type_: one of those of a `FieldSpec`.

    Raises:
        ValueError: it is not of that type.
    """
    if type_ == "bool":
        return value if isinstance(value, bool) else _known(_YES_OR_NO, str(value).strip().lower())
    if type_ == "widths":
        parts = value
        if isinstance(value, str):
            parts = value.split(",") if value.strip() else []
        if not isinstance(parts, list | tuple):
            raise ValueError(value)
        return tuple(typed(part, "int") for part in parts)
    if type_ == "choice":
        return value
    if isinstance(value, bool):
        raise ValueError(value)
    if isinstance(value, str):
        text = value.strip()
        if not (_WHOLE if type_ == "int" else _NUMBER).fullmatch(text):
            raise ValueError(text)
        return int(text) if type_ == "int" else float(text)
    return value


def _known(values: Mapping[str, bool], text: str) -> bool:
    if text not in values:
        raise ValueError(text)
    return values[text]


@functools.cache
def field_specs(model: type[BaseModel]) -> tuple[FieldSpec, ...]:
    """The hyperparameters of a variant, by group and in the order of their declaration."""
    specs = [_spec(name, info) for name, info in model.model_fields.items()]
    return tuple(sorted(specs, key=lambda spec: GROUPS.index(spec.group)))


def _spec(name: str, info: FieldInfo) -> FieldSpec:
    annotation: Any = info.annotation
    choices = typing.get_args(annotation) if typing.get_origin(annotation) is Literal else None
    if typing.get_origin(annotation) is tuple:
        type_: Any = "widths"
        constraints = typing.get_args(typing.get_args(annotation)[0])[1].metadata
    else:
        type_ = "choice" if choices else {bool: "bool", int: "int", float: "float"}[annotation]
        constraints = info.metadata
    least, most = (
        next((getattr(constraint, key) for constraint in constraints if hasattr(constraint, key)), None)
        for key in ("ge", "le")
    )
    of_type: Any = Annotated[annotation, info]
    return FieldSpec(
        name=name,
        type=type_,
        default=info.default,
        minimum=least,
        maximum=most,
        choices=choices,
        label=info.title or name,
        help=info.description or "",
        _adapter=TypeAdapter(of_type),
        **typing.cast(dict[str, Any], info.json_schema_extra),
    )


def conflict(field: str, sentence: str) -> PydanticCustomError:
    """For validators: values that are each allowed but do not go together, told beside `field`."""
    return PydanticCustomError("conflict", "{sentence}", {"field": field, "sentence": sentence})


def explain(error: ValidationError, model: type[BaseModel], name: str, received: Mapping[str, Any]) -> BadInput:
    """Turns pydantic's error into one sentence for each field at fault.

    Args:
        error: of the model.
        model: a variant's configuration.
        name: of the variant.
        received: what its fields were given.
    """
    specs = {spec.name: spec for spec in field_specs(model)}
    problems = {}
    for item in error.errors():
        context = item.get("ctx", {})
        field_name = context.get("field") or str(item["loc"][0])
        if item["type"] == "conflict":
            problems[field_name] = context["sentence"]
        elif field_name in specs:
            problems[field_name] = specs[field_name].refusal(received.get(field_name))
        else:
            problems[field_name] = f"{name} has no field '{truncated(field_name)}'; its fields are {', '.join(specs)}."
    return BadInput(problems)
