"""The visitor's choices: held in the session, mirrored in the URL, so that a link is a lesson.

Widgets are bound by hand rather than with `bind="query-params"`: a preset changes the defaults of every
field, and the URL should name only what differs from it.
"""

from typing import Any

import streamlit as st

from aecore.errors import AecoreError, BadInput
from aecore.schema import VARIANTS, RunConfig, VariantConfig
from aecore.service import Service
from pages.components.shared import query_parameters
from pages.components.train.speed import FULL_SPEED, SPEEDS

PREFIX = "field_"
DEFAULT_PRESET = "quick"
_SEEN = "_seen_query"


def read_url(service: Service) -> dict[str, str]:
    """Takes the choices from the URL on the first visit, and whenever a link or the back button changed it.

    The navigation opens the page without them; widgets then still hold what was chosen last.

    Returns:
        A sentence for each choice in the URL that cannot be used, by name; it was left out.
    """
    query = dict(st.query_params)
    state = st.session_state
    if "variant" not in state or (query and state.get(_SEEN) != query):
        state["url_problems"] = _take(service, query)
        state["_just_read"] = True
    state[_SEEN] = query
    return state.get("url_problems", {})


def _take(service: Service, query: dict[str, str]) -> dict[str, str]:
    problems: dict[str, str] = {}
    state = st.session_state
    show_run(query.get("run"))
    state["speed"] = _one_of("speed", query, list(SPEEDS), FULL_SPEED, problems)
    if "variant" not in query and state["run"]:
        try:
            run = service.runs.run(state["run"])
        except AecoreError as error:
            problems["run"] = str(error)
            show_run(None)
        else:
            if run.status != "pretrained":
                use_config(run.config)
                return problems
            query = {"variant": run.config.variant}  # its dataset need not be here
    state["variant"] = _one_of("variant", query, list(VARIANTS), "vanilla", problems)
    variant_class = VARIANTS[state["variant"]]
    preset = _one_of("preset", query, list(variant_class.presets), DEFAULT_PRESET, problems)
    names = [status.name for status in service.data.datasets(variant_class.modality)]
    state["dataset"] = _one_of("dataset", query, names, names[0], problems)
    use_preset(variant_class, preset)
    for spec in variant_class.fields():
        if spec.name in query:
            try:
                _set(spec.name, spec.parse(query[spec.name]), variant_class)
            except BadInput as error:
                problems |= error.problems
    return problems


def _one_of(name: str, query: dict[str, str], known: list[str], default: str, problems: dict[str, str]) -> str:
    value = query.get(name, default)
    if value in known:
        return value
    problems[name] = f"There is no {name} '{value}'; choose one of {', '.join(known)}."
    return default


def use_preset(variant_class: type[VariantConfig], preset: str) -> None:
    """Sets every field to the preset's value."""
    st.session_state["preset"] = preset
    values = variant_class.make(preset).model_dump()
    for spec in variant_class.fields():
        _set(spec.name, values[spec.name], variant_class)


def show_run(name: str | None) -> None:
    """Sets the run that is shown.

    The field that chooses it becomes a new one: of the old one the browser may just be reporting what it held before.
    """
    state = st.session_state
    state["run"], state["run_field"] = name, state.get("run_field", 0) + 1


def use_config(config: RunConfig) -> None:
    """Sets every choice to that of a run."""
    state = st.session_state
    state["variant"], state["dataset"] = config.variant, config.dataset
    state["preset"] = config.preset or DEFAULT_PRESET
    for name, value in config.hyper.model_dump().items():
        _set(name, value, type(config.hyper))


def _set(name: str, value: Any, variant_class: type[VariantConfig]) -> None:
    spec = next(spec for spec in variant_class.fields() if spec.name == name)
    st.session_state[PREFIX + name] = spec.text(value) if spec.type == "widths" else value


def write_url(variant_class: type[VariantConfig]) -> None:
    """Mirrors the choices in the URL, fields only where they differ from the preset."""
    state = st.session_state
    preset = variant_class.make(state["preset"]).model_dump()
    query = {"variant": state["variant"], "preset": state["preset"], "dataset": state["dataset"]}
    for spec in variant_class.fields():
        value = state.get(PREFIX + spec.name, preset[spec.name])
        text = value if isinstance(value, str) else spec.text(value)
        if value is not None and text != spec.text(preset[spec.name]):
            query[spec.name] = text
    if state.get("run"):
        query["run"] = state["run"]
    if state.get("speed", FULL_SPEED) != FULL_SPEED:
        query["speed"] = state["speed"]
    if state.get(_SEEN) != query and not state.pop("_just_read", False):
        state["url_problems"] = {}  # the visitor has moved on
    state[_SEEN] = query
    query_parameters.write(dict.fromkeys(st.query_params.to_dict()) | query)


def write_speed() -> None:
    """Mirrors the speed alone: it is chosen in a part of the page that is redrawn by itself."""
    state = st.session_state
    speed = None if state["speed"] == FULL_SPEED else state["speed"]
    query = state[_SEEN] | {"speed": speed}
    state[_SEEN] = {name: value for name, value in query.items() if value is not None}
    query_parameters.write({"speed": speed})
