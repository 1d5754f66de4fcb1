"""Weights as pictures on one colour scale centred on zero: a whole matrix, or a tile for each unit."""

import io
import math

import matplotlib as mpl
import numpy as np
import streamlit as st
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_hex
from matplotlib.figure import Figure
from PIL import Image

COLOURS = "RdBu_r"  # as for the tiles of a run
WIDE = 1000  # pixels that a picture is enlarged to at most
LARGEST = 16  # pixels for one weight
LEAST_HEIGHT = 240
BAR = """<div style="max-width: 30rem; margin: 0 auto" role="img" aria-label="Colour scale from {low} over 0 to {high}">
<div style="height: 0.8rem; border-radius: 2px; background: linear-gradient(to right, {stops})"></div>
<div style="display: flex; justify-content: space-between; font-size: 0.8rem">
<span>{low}</span><span>0</span><span>{high}</span></div></div>"""


def unit_tiles(pictures: np.ndarray) -> np.ndarray:
    """One tile for each unit: its weights, those of several channels beside each other.

    Args:
        pictures: [units, h, w, channels].

    Returns:
        float32 [units, height, width], NaN between channels.
    """
    units, height, width, channels = pictures.shape
    side = math.ceil(math.sqrt(channels))
    rows = math.ceil(channels / side)
    found = np.full((units, rows * (height + 1) - 1, side * (width + 1) - 1), np.nan, np.float32)
    for k in range(channels):
        top, left = k // side * (height + 1), k % side * (width + 1)
        found[:, top : top + height, left : left + width] = pictures[..., k]
    return found


def mosaic(tiles: np.ndarray, columns: int | None = None) -> np.ndarray:
    """Tiles [n, h, w] in a grid, row by row: float32 with NaN between them."""
    count, height, width = tiles.shape
    columns = columns or columns_for(count)
    gap = 1 if max(height, width) < 12 else 2
    rows = math.ceil(count / columns)
    found = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan, np.float32)
    for k, tile in enumerate(tiles):
        top, left = k // columns * (height + gap), k % columns * (width + gap)
        found[top : top + height, left : left + width] = tile
    return found


def columns_for(count: int) -> int:
    """How many tiles stand in a row."""
    return next((columns for most, columns in ((8, count), (64, 8), (300, 16), (1100, 32)) if count <= most), 64)


def png(values: np.ndarray, limit: float, least_height: int = 0, wide: int = WIDE, largest: int = LARGEST) -> bytes:
    """A picture of values [h, w], blue below zero and red above; NaN is transparent.

    Args:
        values: what is drawn.
        limit: the value in full colour.
        least_height: how high it should be made in pixels; values are then drawn higher than wide.
        wide: width in pixels that it is enlarged to at most, by whole numbers.
        largest: pixels for one value at most.
    """
    shown = np.clip(np.nan_to_num(values, nan=0.0) / limit, -1, 1)
    coloured = (mpl.colormaps[COLOURS](0.5 + 0.5 * shown) * 255).astype(np.uint8)
    coloured[..., 3] = np.where(np.isnan(values), 0, 255)
    across = min(largest, max(1, wide // values.shape[1]))
    down = max(1, math.ceil(least_height / values.shape[0])) if least_height else across
    buffer = io.BytesIO()
    Image.fromarray(coloured.repeat(down, axis=0).repeat(across, axis=1)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def colour_bar(limit: float) -> None:
    """Draws the scale of the pictures on the page."""
    stops = ", ".join(to_hex(mpl.colormaps[COLOURS](share)) for share in np.linspace(0, 1, 11))
    st.html(BAR.format(low=f"−{limit:.3g}", high=f"+{limit:.3g}", stops=stops))


def figure(panels: list[tuple[str, np.ndarray]], limit: float, label: str = "weight") -> Figure:
    """Pictures side by side with their colour bar, for a paper.

    Args:
        panels: the title and the values [h, w] of each.
        limit: the value in full colour, of all of them.
        label: of the bar.
    """
    tallest = max(values.shape[0] / values.shape[1] for _, values in panels)
    made = Figure(figsize=(3.4 * len(panels) + 0.6, min(max(3.4 * tallest, 1.2), 5) + 0.3))
    axes, scale = made.subplots(1, len(panels), squeeze=False)[0], Normalize(-limit, limit)
    for axis, (title, values) in zip(axes, panels, strict=True):
        aspect = "auto" if values.shape[1] > 4 * values.shape[0] else "equal"
        axis.imshow(values, cmap=COLOURS, norm=scale, interpolation="nearest", aspect=aspect)
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    made.colorbar(ScalarMappable(scale, COLOURS), ax=list(axes), label=label, extend="both")
    return made
