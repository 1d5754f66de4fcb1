"""The form of a variant, made from its schema: grouped, helped, checked field by field."""

import math
from typing import Any

import streamlit as st

from aecore.errors import BadInput
from aecore.schema import VARIANTS, FieldSpec, RunConfig, VariantConfig
from aecore.schema.fields import GROUPS
from aecore.schema.sentence import Sentence
from aecore.service import Service
from pages.components.shared import pictures
from pages.components.shared.formatting import duration
from pages.components.shared.session import show_errors
from pages.components.train.choices import PREFIX, use_preset

_OPEN = ("Text", "Architecture", "Objective", "Sparsity")


def config_form(service: Service, url_problems: dict[str, str]) -> RunConfig | None:
    """Draws the form; returns the configuration, or None while something in it cannot be used."""
    state = st.session_state
    st.selectbox(
        "Variant", list(VARIANTS), key="variant", persist_state="session",
        format_func=lambda name: VARIANTS[name].title, on_change=_variant_changed,
        args=(service,), help="Which autoencoder is trained.",
    )  # fmt: skip
    variant_class = VARIANTS[state["variant"]]
    st.selectbox(
        "Preset",
        list(variant_class.presets),
        key="preset",
        persist_state="session",
        on_change=lambda: use_preset(variant_class, state["preset"]),
        help="Where the fields below start: book is as printed in the textbook, quick takes seconds on digits, "
        "best goes further (convolutional: on noisy images, as in the book); others are named after what they show.",
    )
    found = {status.name: status for status in service.data.datasets(variant_class.modality)}
    if state["dataset"] not in found:  # the variant before learnt another kind
        state["dataset"] = next(iter(found))
    st.selectbox(
        "Dataset", list(found), key="dataset", persist_state="session",
        help="What is learnt; the first one is always here.",
        format_func=lambda name: found[name].title + ("" if found[name].available else " (not here yet)"),
    )  # fmt: skip
    for name in ("variant", "preset", "dataset", "speed"):
        _complain(name, url_problems)
    config, values, problems = _config(variant_class, found[state["dataset"]].image_shape)
    for group in GROUPS:
        specs = [spec for spec in variant_class.fields() if spec.group == group]
        if specs:
            at_fault = any(spec.name in problems or spec.name in url_problems for spec in specs)
            noisy = group == "Noise" and values.get("noise", "none") != "none"
            with st.expander(group, expanded=group in _OPEN or at_fault or noisy):
                for spec in specs:
                    if spec.relevant(values) or spec.name in problems:
                        _widget(spec)
                        _complain(spec.name, problems | url_problems)
                if (
                    group == "Noise"
                    and variant_class.modality == "images"
                    and found[state["dataset"]].available
                    and config
                ):
                    with show_errors():
                        _noise_strip(service, config)
    if config:
        _summary(service, config)
    elif "" in problems:
        st.error(problems[""])
    return config


def _variant_changed(service: Service) -> None:
    variant_class = VARIANTS[st.session_state["variant"]]
    wanted = st.session_state["preset"]
    use_preset(variant_class, wanted if wanted in variant_class.presets else next(iter(variant_class.presets)))


def _config(
    variant_class: type[VariantConfig], image_shape: tuple[int, ...]
) -> tuple[RunConfig | None, dict[str, Any], dict[str, str]]:
    """The configuration, or None, with the fields' values and a sentence for each that cannot be used."""
    state = st.session_state
    start = variant_class.make(state["preset"]).model_dump()
    values = {name: state.get(PREFIX + name, value) for name, value in start.items()}
    values = {name: "" if value is None else value for name, value in values.items()}
    try:
        config = RunConfig.make(variant_class.name, state["dataset"], None, values, image_shape)
    except BadInput as error:
        return None, values, error.problems
    return config.with_preset(state["preset"]), config.hyper.model_dump(), {}


def _widget(spec: FieldSpec) -> None:
    """A field by its type. Numbers have no bounds in the browser: the schema says what is wrong, in words."""
    key, label, text = PREFIX + spec.name, spec.label, spec.help
    if spec.type == "choice":
        st.selectbox(label, spec.choices or (), key=key, persist_state="session", help=text, format_func=_readable)
    elif spec.type == "bool":
        st.toggle(label, key=key, persist_state="session", help=text)
    elif spec.type == "widths":
        st.text_input(label, key=key, persist_state="session", help=text, placeholder="widths separated by commas")
    elif spec.type == "float" and spec.step and spec.step >= 0.05:
        st.slider(
            label,
            float(spec.minimum or 0),
            float(spec.maximum or 1),
            step=spec.step,
            key=key,
            persist_state="session",
            help=text,
        )
    elif spec.type == "float":
        st.number_input(
            label, key=key, persist_state="session", help=f"{text} {_bounds(spec)}", step=spec.step, format="%g"
        )
    else:
        st.number_input(
            label, key=key, persist_state="session", help=f"{text} {_bounds(spec)}", step=int(spec.step or 1)
        )


def _bounds(spec: FieldSpec) -> str:
    return f"{spec.span.capitalize()}."


def _readable(choice: str) -> str:
    known = {"mse": "mean squared error", "bce": "binary cross-entropy", "kl": "Kullback-Leibler", "l1": "L1",
             "l2": "L2", "l1_l2": "L1 + L2", "relu": "ReLU", "elu": "ELU", "gelu": "GELU", "selu": "SELU",
             "sgd": "SGD with momentum", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop"}  # fmt: skip
    return known.get(choice, choice.replace("_", " "))


def _complain(name: str, problems: dict[str, str]) -> None:
    if name in problems:
        st.error(problems[name], icon=":material/error:")


def _noise_strip(service: Service, config: RunConfig) -> None:
    clean, corrupted = service.data.preview(config.dataset, config.image_hyper)
    rows = [clean] if config.image_hyper.noise == "none" else [clean, corrupted]
    caption = (
        "Held-out images, and the same with the noise chosen above."
        if len(rows) > 1
        else "Held-out images as they are."
    )
    st.image(pictures.mosaic(rows, scale=2), caption=caption, width="stretch", alt=caption)


def _summary(service: Service, config: RunConfig) -> None:
    count, hyper = config.parameters, config.hyper
    if isinstance(hyper, Sentence):
        numbers, what = hyper.length * hyper.vector_size, f"{hyper.length} vectors of {hyper.vector_size}"
        table = f", {hyper.vocabulary * hyper.vector_size:,} of them word vectors, which are not trained"
    else:
        numbers = math.prod(config.image_shape)
        what, table = f"{numbers} pixels", ""
    ratio = numbers / hyper.code_units
    ratio_text = f"{ratio:.3g} : 1" if ratio >= 1 else f"1 : {1 / ratio:.3g} (overcomplete)"
    lines = [f"**{count:,}** parameters{table}", f"compression **{ratio_text}** ({what} to {hyper.code_units})"]
    seconds = service.runs.expected_seconds(config)
    if seconds is not None:
        lines.append(f"about **{duration(seconds)}**, by the speed of the last run like it")
    st.markdown("  \n".join(lines))
