"""How a hyperparameter is declared once: bounds, step, default, group and a sentence of help.

The form, the command line, the validation and the URL are all made from the `FieldSpec`s read back from it.
"""

import functools
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import PydanticCustomError

from aecore.errors import BadInput

GROUPS = ("Text", "Architecture", "Objective", "Sparsity", "Noise", "Optimisation", "Run")
WIDTHS_HELP = "whole numbers separated by commas, such as 512,128,64, or nothing at all"


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
) -> Any:
    """Declares a hyperparameter.

    Args:
        default: value when neither preset nor visitor says otherwise.
        group: one of `GROUPS`.
        label: a few words for the form.
        help: one sentence, with the unit where there is one.
        ge: least allowed value (for widths: of each).
        le: greatest allowed value (for widths: of each).
        step: step of the form's number field.
        when: (other field, its values) for which this field has an effect; it always has one in a variant
            without that other field.
    """
    extra = {"group": group, "step": step, "when": when, "minimum": ge, "maximum": le}
    return Field(default, title=label, description=help, json_schema_extra=extra)


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
            value = _READERS[self.type](text)
        except (ValueError, TypeError, OverflowError):
            raise self._bad(text) from None
        if self.choices and value not in self.choices:
            raise self._bad(text)
        for number in value if self.type == "widths" else (value,):
            if self.minimum is not None and not number >= self.minimum:
                raise self._bad(text)
            if self.maximum is not None and not number <= self.maximum:
                raise self._bad(text)
        return value

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

    def _bad(self, received: Any) -> BadInput:
        span = self.span
        allowed = {
            "int": f"a whole number {span}",
            "float": f"a number {span}",
            "bool": "true or false",
            "choice": "one of " + ", ".join(self.choices or ()),
            "widths": f"{WIDTHS_HELP}, each {span}",
        }[self.type]
        return BadInput({self.name: f"{self.name} takes {allowed.strip()}; received '{truncated(received)}'."})


def truncated(received: Any) -> str:
    """What was received, on one line and not too long, for an error message."""
    text = " ".join(str(received).splitlines())
    return text if len(text) <= 60 else text[:59] + "…"


def _read_int(text: Any) -> int:
    if isinstance(text, str):
        return int(text.strip())
    if isinstance(text, bool) or int(text) != text:
        raise ValueError
    return int(text)


def _read_bool(text: Any) -> bool:
    if isinstance(text, bool):
        return text
    known = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    try:
        return known[str(text).strip().lower()]
    except KeyError:
        raise ValueError from None


def _read_widths(text: Any) -> tuple[int, ...]:
    parts = text.split(",") if isinstance(text, str) else list(text)
    return tuple(_read_int(part) for part in parts if not isinstance(part, str) or len(parts) > 1 or part.strip())


_READERS = {"int": _read_int, "float": float, "bool": _read_bool, "choice": str, "widths": _read_widths}


@functools.cache
def field_specs(model: type[BaseModel]) -> tuple[FieldSpec, ...]:
    """The hyperparameters of a variant, by group and in the order of their declaration."""
    specs = []
    for name, info in model.model_fields.items():
        extra = typing.cast(dict, info.json_schema_extra)
        type_, choices = _type_and_choices(info.annotation)
        specs.append(
            FieldSpec(
                name=name,
                type=type_,
                default=info.default,
                choices=choices,
                label=info.title or name,
                help=info.description or "",
                **extra,
            )
        )
    return tuple(sorted(specs, key=lambda spec: GROUPS.index(spec.group)))


def _type_and_choices(annotation: Any) -> tuple[Any, tuple[str, ...] | None]:
    if typing.get_origin(annotation) is Literal:
        return "choice", typing.get_args(annotation)
    if isinstance(annotation, types.GenericAlias):
        return "widths", None
    return {bool: "bool", int: "int", float: "float"}[annotation], None


def conflict(field: str, sentence: str) -> PydanticCustomError:
    """For validators: values that are each allowed but do not go together, told beside `field`."""
    return PydanticCustomError("conflict", "{sentence}", {"field": field, "sentence": sentence})


def explain(error: ValidationError) -> BadInput:
    """Turns pydantic's error into one sentence for each field at fault."""
    problems = {}
    for item in error.errors():
        context = item.get("ctx", {})
        name = context.get("field") or ".".join(str(part) for part in item["loc"])
        problems[name] = context.get("sentence") or f"{name}: {item['msg']}; received '{item['input']}'."
    return BadInput(problems)
