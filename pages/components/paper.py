"""Pictures of the page Latent space for a paper, made with matplotlib when they are asked for."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from matplotlib.figure import Figure

from pages.components.scatter import Panel

PANEL_INCHES, IMAGE_INCHES = 3.4, 0.42


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
        axes = figure.add_subplot(1, len(panels), k + 1, projection="3d" if dims == 3 else None)
        for kind, name in enumerate(classes):
            if shown and kind not in shown:
                continue
            own = panel.coords[labels == kind]
            axes.scatter(*own.T, s=2.5, linewidths=0, alpha=0.7, color=colours[kind % len(colours)], label=name,
                         rasterized=len(labels) > 1000)  # fmt: skip
        axes.set_title(panel.title, fontsize=9)
        axes.set(xlabel=panel.axes[0], ylabel=panel.axes[1], **({"zlabel": panel.axes[2]} if dims == 3 else {}))
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(10, len(names)), markerscale=3, frameon=False,
                  handletextpad=0.1, columnspacing=0.8, fontsize=7)  # fmt: skip
    return figure


def images_figure(rows: Sequence[np.ndarray], titles: Sequence[str] = ()) -> Figure:
    """Rows of images uint8 [n, h, w] on white ground, each with a title on its left."""
    columns = max(len(row) for row in rows)
    left = 0.9 if titles else 0.0
    figure = Figure(figsize=(columns * IMAGE_INCHES + left, len(rows) * IMAGE_INCHES))
    figure.set_layout_engine("none")  # the images' places are set below
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for r, row in enumerate(rows):
        for c, axes in enumerate(grid[r]):
            axes.set_axis_off()
            if c < len(row):
                axes.imshow(row[c], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        if titles:
            grid[r][0].text(-0.15, 0.5, titles[r], ha="right", va="center", transform=grid[r][0].transAxes)
    figure.subplots_adjust(left / figure.get_figwidth(), 0, 1, 1, 0.04, 0.04)
    return figure
