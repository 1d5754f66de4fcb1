"""Pictures of the page Latent space for a paper, made with matplotlib when they are asked for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from matplotlib.figure import Figure

from pages.components.scatter.component import Panel

PANEL_INCHES, IMAGE_INCHES, LETTER_INCHES = 3.4, 0.42, 0.075
GAP = 2  # pixels between images


def scatter_figure(panels: Sequence[Panel], labels: np.ndarray, classes: Sequence[str], shown: Sequence[int]) -> Figure:
    """The panels beside each other, one colour a class.

    Args:
        panels: as they are on the page.
        labels: [n] classes of the points.
        classes: their names.
        shown: the classes that are drawn; all for none.
    """
    colours = st.get_option("theme.light.chartCategoricalColors")
    figure = Figure(figsize=(PANEL_INCHES * len(panels), PANEL_INCHES + 0.5))
    for k, panel in enumerate(panels):
        dims = panel.coords.shape[1]
        axes: Any = figure.add_subplot(1, len(panels), k + 1, projection="3d" if dims == 3 else None)
        for label, name in enumerate(classes):
            if shown and label not in shown:
                continue
            own = panel.coords[labels == label]
            axes.scatter(*own.T, s=2.5, linewidths=0, alpha=0.7, color=colours[label % len(colours)], label=name,
                         rasterized=len(labels) > 1000)  # fmt: skip
        if dims == 3:
            axes.set_box_aspect(None, zoom=0.8)  # room for the third name
            axes.tick_params(labelsize=6, pad=-2)
            for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
                axis.labelpad = -6
        axes.set_title(panel.title, fontsize=9)
        axes.set(xlabel=panel.axes[0], ylabel=panel.axes[1], **({"zlabel": panel.axes[2]} if dims == 3 else {}))
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(10, len(names)), markerscale=3, frameon=False,
                  handletextpad=0.1, columnspacing=0.8, fontsize=7)  # fmt: skip
    return figure


def images_figure(rows: Sequence[np.ndarray], titles: Sequence[str] = ()) -> Figure:
    """Rows of images uint8 [n, h, w] on white ground, each with a title on its left."""
    side, columns = rows[0].shape[1], max(len(row) for row in rows)
    pitch = side + GAP
    sheet = np.full((len(rows) * pitch - GAP, columns * pitch - GAP), 255, np.uint8)
    for r, row in enumerate(rows):
        for c, image in enumerate(row):
            sheet[r * pitch : r * pitch + side, c * pitch : c * pitch + side] = image
    left = LETTER_INCHES * max((len(title) for title in titles), default=0)
    height, width = (IMAGE_INCHES * pixels / pitch for pixels in sheet.shape)
    figure = Figure(figsize=(left + width, height))
    figure.set_layout_engine("none")  # all places are given
    axes = figure.add_axes((left / (left + width), 0, width / (left + width), 1))
    axes.set_axis_off()
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
    for r, title in enumerate(titles):
        middle = 1 - (r * pitch + side / 2) / sheet.shape[0]
        figure.text((left - LETTER_INCHES / 2) / (left + width), middle, title, ha="right", va="center")
    return figure
