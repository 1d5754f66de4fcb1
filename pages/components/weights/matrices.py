"""The weights of one or two layers: matrix, tiles and feature maps; sections of the page Weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd
import streamlit as st

from aecore.analysis.units import full_colour
from aecore.explore.weights import Activity, LayerInfo, LayerWeights
from aecore.service import Service
from aecore.store.views import RunView
from pages.components.shared import pictures, query_parameters
from pages.components.shared import weight_pictures as drawn
from pages.components.shared.export import downloads
from pages.components.shared.session import show_errors

ORDERS = {"index": "index", "activation": "mean absolute activation, strongest first", "norm": "norm, largest first"}
NAMED = 8  # units whose numbers a caption tells


@dataclass(frozen=True)
class Side:
    """A layer of a run as it is shown.

    Attributes:
        run: the run.
        layer: which of its layers.
        weights: of the layer.
        activity: of its units, or None where it cannot be known; the page has said why.
        order: one of `ORDERS`.
    """

    run: RunView
    layer: LayerInfo
    weights: LayerWeights
    activity: Activity | None
    order: str

    @property
    def title(self) -> str:
        return self.run.id

    @cached_property
    def units(self) -> np.ndarray:
        """The units in the order in which they are shown, from 0."""
        if self.order == "norm":
            return np.argsort(-self.norms, kind="stable")
        if self.order == "activation" and self.activity is not None:
            return np.argsort(-self.activity.statistics.strength, kind="stable")
        return np.arange(self.layer.units)

    @cached_property
    def norms(self) -> np.ndarray:
        """Euclidean norm of each unit's weights, [units]."""
        return np.linalg.norm(self.weights.matrix, axis=1)

    @cached_property
    def own_pictures(self) -> bool:
        """Whether the pictures are the layer's own weights, and not those multiplied through other layers."""
        matrix, pictures = self.weights.matrix, self.weights.pictures
        return matrix.size == pictures.size and np.array_equal(matrix.ravel(), pictures.ravel())

    @cached_property
    def tiles(self) -> np.ndarray:
        """A tile of each unit, by index."""
        return drawn.unit_tiles(self.weights.pictures)


def weights_and_maps(service: Service, sides: Sequence[Side], percentile: float) -> None:
    """Draws the matrices, the tiles and the feature maps of one or two layers."""
    _matrices(service, sides, percentile)
    _tiles(service, sides, percentile)
    convolutional = [side for side in sides if side.layer.convolutional]
    if convolutional:
        with show_errors():
            _feature_maps(service, convolutional, percentile)


def _matrices(service: Service, sides: Sequence[Side], percentile: float) -> None:
    st.header("The weight matrix", anchor=False)
    limit = max(full_colour(side.weights.matrix, percentile) for side in sides)
    for column, side in zip(st.columns(len(sides)), sides, strict=True):
        matrix = side.weights.matrix[side.units]
        alt = f"Weight matrix of {side.title}, {matrix.shape[0]} units by {matrix.shape[1]} weights."
        column.image(drawn.png(matrix, limit, drawn.LEAST_HEIGHT), width=_width(matrix), alt=alt)
        column.caption(f"**{side.title}** · {side.layer.title}. {_rows(side)}")
    drawn.colour_bar(limit)
    st.caption(f"A row is a unit, sorted by {ORDERS[sides[0].order].partition(',')[0]}. {_matrix_caption(sides[0])}")
    panels = [(side.title, side.weights.matrix[side.units]) for side in sides]
    downloads("matrix", partial(drawn.figure, panels, limit), partial(_matrix_table, sides))


def _width(picture: np.ndarray) -> int:
    """How wide a picture is shown in pixels, if there is room."""
    return min(drawn.WIDE, drawn.LARGEST * picture.shape[1])


def _rows(side: Side) -> str:
    first = ", ".join(str(unit + 1) for unit in side.units[:NAMED])
    return f"From the top: units {first}{' and so on' if len(side.units) > NAMED else ''}."


def _matrix_caption(side: Side) -> str:
    if not side.own_pictures:
        other = "layer below" if side.layer.encoding else "layer above"
        return (
            f"A column is a unit of the {other}. Look for pale rows and columns, units that hardly take part, and for "
            "rows that resemble each other, units that do the same work."
        )
    if side.layer.convolutional or side.layer.shape[2] > 1:
        return "A column is a place in a unit's kernels or maps. Look for rows that resemble each other."
    if side.layer.encoding:
        return (
            "A column is a pixel, row after row of the image. White is a weight of zero. Look for stripes: the middle "
            "of each row of the image, where the ink is; a row of even speckle is a unit that has learnt nothing."
        )
    return (
        "A column is a pixel, row after row of the image. White is a weight of zero. Look for the units with bold "
        "stripes, which draw; those of one even pattern draw nothing."
    )


def _matrix_table(sides: Sequence[Side]) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame(side.weights.matrix, columns=[f"weight_{k + 1}" for k in range(side.weights.matrix.shape[1])])
            .assign(run=side.title, layer=side.layer.name, unit=np.arange(1, side.layer.units + 1))
            .set_index(["run", "layer", "unit"])
            .reset_index()
            for side in sides
        ],
        ignore_index=True,
    )


def _tiles(service: Service, sides: Sequence[Side], percentile: float) -> None:
    layer = sides[0].layer
    kernels = layer.convolutional
    st.header("Kernels" if kernels else ("Each unit's weights" if layer.encoding else "The decoder's dictionary"),
                 anchor=False)  # fmt: skip
    limit = max(full_colour(side.weights.pictures, percentile) for side in sides)
    panels = [(side.title, drawn.mosaic(side.tiles[side.units])) for side in sides]
    for column, side, (_, picture) in zip(st.columns(len(sides)), sides, panels, strict=True):
        alt = f"Weights of the {side.layer.units} units of {side.title} as tiles."
        column.image(drawn.png(picture, limit), width=_width(picture), alt=alt)
        column.caption(f"**{side.title}**, row by row. {_rows(side).replace('top', 'top left')}")
    drawn.colour_bar(limit)
    st.caption(_tiles_caption(sides))
    downloads("tiles", partial(drawn.figure, panels, limit))


def _tiles_caption(sides: Sequence[Side]) -> str:
    layer = sides[0].layer
    if layer.convolutional:
        several = layer.shape[2] > 1
        beside = f" The {layer.shape[2]} small squares of a tile are its kernels, one for each map." if several else ""
        what = (
            "what each filter looks for: an edge is a red side against a blue one, a spot is red within blue."
            if layer.encoding
            else "the brush with which each map is painted on."
        )
        return f"A tile is {what}{beside}"
    if not layer.encoding:
        alt = (
            "A tile is what a unit adds to the image as it grows: red adds ink, blue takes it away. Look for strokes "
            "and parts of digits; a tile without structure is a unit that draws nothing."
        )
    elif layer.shape[2] == 1:
        alt = (
            "A tile is the image that excites a unit most: red where it wants ink, blue where it wants none. Look for "
            "what is local: a stroke, an edge, a spot. Without a penalty many tiles look like noise; a sparse code's "
            "units are sharper and fewer. An even speckle is a unit frozen at its random beginning, which never fired; "
            "strong colours around the rim are pixels that are hardly ever inked, so that nothing holds their weights."
        )
    else:
        return f"A tile holds a unit's weights on the {layer.shape[2]} maps below it, one small square for each."
    if not sides[0].own_pictures:
        alt += (
            " This layer does not touch the image: its weights are multiplied through the layers between, without "
            "their activations (Lee et al., 2008)."
        )
    return alt


def _feature_maps(service: Service, sides: Sequence[Side], percentile: float) -> None:
    st.header("Feature maps", anchor=False)
    found = [
        _one_of_each(service, side.run.id, service.data.dataset(side.run.config.dataset).available) for side in sides
    ]
    classes = found[0][1]
    which = int(query_parameters.pick("Image of class", [str(k) for k in range(len(classes))], "image", "3",
                             lambda k: classes[int(k)]))  # fmt: skip
    mapped = []
    for side, (shown, _, _) in zip(sides, found, strict=True):
        maps = _maps(service, side.run.id, side.run.weights_version, side.layer.name, shown[[which]])[0]
        mapped.append(np.moveaxis(maps, 2, 0)[side.units])
    limit = max(full_colour(maps, percentile) for maps in mapped)
    panels = [(side.title, drawn.mosaic(maps)) for side, maps in zip(sides, mapped, strict=True)]
    for column, side, (shown, names, title), (_, picture) in zip(
        st.columns(len(sides)), sides, found, panels, strict=True
    ):
        image = shown[which, ..., 0]
        column.image(pictures.mosaic([image[None]], scale=5), width=140, alt=f"The image, of class {names[which]}.")
        alt = f"The {side.layer.units} feature maps that {side.title} has of it."
        column.image(drawn.png(picture, limit), width=_width(picture), alt=alt)
        what = "what each filter finds in it" if side.layer.encoding else "the maps that this layer paints from"
        column.caption(f"**{side.title}**: a held-out image of {title}, and {what}. {_rows(side)}")
    drawn.colour_bar(limit)
    st.caption(
        "Maps of the encoder are drawn after the activation and before pooling; red is above zero. Look for edges of "
        "one direction that light up in one map only, and for maps that stay empty."
    )
    downloads("feature-maps", partial(drawn.figure, panels, limit, "activation"),
              partial(_maps_table, sides, mapped))  # fmt: skip


@st.cache_data(max_entries=8, show_spinner=False)
def _one_of_each(_service: Service, run: str, here: bool):
    del here
    return _service.weights.one_of_each_class(run)


@st.cache_data(max_entries=32, show_spinner=False)
def _maps(_service: Service, run: str, version: str, layer: str, image: np.ndarray) -> np.ndarray:
    del version
    return _service.weights.maps(run, layer, image)


def _maps_table(sides: Sequence[Side], mapped: Sequence[np.ndarray]) -> pd.DataFrame:
    frames = []
    for side, maps in zip(sides, mapped, strict=True):
        unit, row, column = np.indices(maps.shape)
        frames.append(
            pd.DataFrame(
                {"run": side.title, "unit": side.units[unit.ravel()] + 1, "row": row.ravel(),
                 "column": column.ravel(), "activation": maps.ravel()}
            )
        )  # fmt: skip
    return pd.concat(frames, ignore_index=True)
