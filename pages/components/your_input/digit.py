"""Where the digit of the page "Your input" comes from: a drawing pad, a file or the held-out images."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from matplotlib.figure import Figure
from streamlit_drawable_canvas import st_canvas

from aecore.explore.inputs import Step
from aecore.service import Service
from pages.components.shared import pictures
from pages.components.shared.export import downloads
from pages.components.shared.session import show_errors

DRAW, UPLOAD, HELD_OUT = "Draw", "Upload", "Held-out"
SOURCES = (DRAW, UPLOAD, HELD_OUT)
PAD, BRUSH = 280, 22
NOISE_TYPES = ["png", "jpg", "jpeg", "webp", "gif"]
SHOWN = 112
SMALL = "digits"  # the dataset whose images are not scaled like MNIST's


def chosen_digit(service: Service) -> np.ndarray | None:
    """Draws the choice of an input.

    Returns:
        The digit float32 [28, 28, 1], or None while there is none; what to do is then said.
    """
    row = st.container(horizontal=True, vertical_alignment="bottom")
    source = row.segmented_control("Where the digit comes from", SOURCES, default=DRAW, key="source", required=True,
                                   bind="query-params", persist_state="session")  # fmt: skip
    if source == HELD_OUT:
        return _held_out(service)
    steps = _uploaded(service) if source == UPLOAD else _drawn(service)
    if not steps:
        return None
    _draw_steps(steps)
    return steps[-1].image[..., None]


def _drawn(service: Service) -> tuple[Step, ...]:
    state: Any = st.session_state
    if "drawing" not in state:  # the pad is new, or comes back after the visitor looked elsewhere
        state["first_drawing"], state["first_canvas"] = state.get("kept_drawing", (None, None))
    st.space("small")  # the pad's buttons float above it
    pad = st_canvas(
        stroke_width=BRUSH, stroke_color="#ffffff", background_color="#000000", width=PAD, height=PAD,
        initial_drawing=state["first_drawing"], return_image_data=True, key="drawing",
    )  # fmt: skip
    st.caption(
        "Draw one digit, large, with mouse, pen or finger; buttons above the pad undo and clear. Without a pointer: "
        "choose a held-out digit, or upload a picture."
    )
    canvas = pad.image_data if pad.image_data is not None else state["first_canvas"]
    steps: tuple[Step, ...] = ()
    with show_errors():
        steps = () if canvas is None else service.inputs.from_drawing(canvas)
    if canvas is not None:
        state["kept_drawing"] = (pad.json_data, canvas) if steps else (None, None)
    if not steps:
        st.info("The pad is empty: draw a digit, and every model below reconstructs it.", icon=":material/draw:")
    return steps


def _uploaded(service: Service) -> tuple[Step, ...]:
    file = st.file_uploader("A picture of one digit (PNG, JPEG, WebP or GIF)", NOISE_TYPES, key="picture")
    if file is None:
        st.info("Choose a picture: a photograph of a digit on paper will do. It stays in this server's memory only.",
                icon=":material/upload:")  # fmt: skip
        return ()
    with show_errors():
        picture, steps = _read(service, file.getvalue())
        for note in picture.notes:
            st.caption(note)
        return steps
    return ()


@st.cache_data(show_spinner="Reading the picture…", max_entries=2, scope="session")
def _read(_service: Service, data: bytes):
    return _service.inputs.from_file(data)


def _held_out(service: Service) -> np.ndarray | None:
    here = [status.name for status in service.data.datasets() if status.available]
    row = st.container(horizontal=True, vertical_alignment="bottom")
    # The fullest one first: pretrained models were trained on MNIST.
    default = here.index("mnist") if "mnist" in here else 0
    dataset = row.selectbox("Dataset", here, default, key="from", bind="query-params", width=200)
    with show_errors():
        total = service.data.dataset(dataset).test_size
        number = int(row.number_input("Number of the image", 0, total - 1, 0, key="image", bind="query-params",
                                      width=160, persist_state="session"))  # fmt: skip
        digit, label = service.inputs.digit(dataset, number)
        st.image(pictures.mosaic([digit[None, ..., 0]], 4), width=SHOWN, alt=f"Held-out image {number} of {dataset}.")
        st.caption(
            f"Image {number} of the {total:,} held-out ones of {dataset}: {service.data.classes(dataset)[label]}."
        )
        if dataset == SMALL and st.toggle("Scale and centre it as MNIST was", True, key="fit", bind="query-params",
                                          help="These digits fill the field; models trained on MNIST expect its "
                                          "margin. Off for models trained on digits."):  # fmt: skip
            steps = service.inputs.as_mnist(digit)
            _draw_steps(steps)
            return steps[-1].image[..., None]
        return digit
    return None


def _draw_steps(steps: tuple[Step, ...]) -> None:
    """Each step as a picture with its sentence."""
    with st.expander("How it was made to look like MNIST", expanded=True):
        row = st.container(horizontal=True)
        for k, step in enumerate(steps, 1):
            tile = row.container(width=SHOWN + 16)
            height, width = step.image.shape
            drawn = pictures.mosaic([step.image[None]], 4 if max(height, width) <= 2 * SHOWN else 1)
            tile.image(drawn, width=max(1, SHOWN * width // max(height, width)), alt=f"Step {k}, {step.title}.")
            tile.caption(f"**{k}. {step.title}.** {step.explanation}")
        downloads("steps", lambda: _figure(steps), lambda: pd.DataFrame(steps[-1].image))


def _figure(steps: tuple[Step, ...]) -> Figure:
    figure = Figure((1.1 * len(steps), 1.4))
    for axis, step in zip(figure.subplots(1, len(steps)), steps, strict=True):
        axis.imshow(step.image, cmap="gray", vmin=0, vmax=1)
        axis.set_title(step.title, fontsize=7)
        axis.axis("off")
    return figure
