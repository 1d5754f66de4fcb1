"""Below the panels: their metrics, and the point that was picked with those nearest to it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from aecore.analysis import neighbours
from aecore.analysis.neighbours import SpaceMetrics
from aecore.explore.latent import Points
from aecore.service import Service
from pages.components.latent.figures import images_figure
from pages.components.shared import pictures
from pages.components.shared.export import downloads
from pages.components.shared.formatting import number

NEAREST = 8
SHOWN = {"knn5_accuracy": "5-NN accuracy", "trustworthiness": "trustworthiness", "silhouette": "silhouette"}


def metrics_beside(title: str, found: SpaceMetrics) -> None:
    """Draws the metrics of one panel, each with what it was measured on.

    Args:
        title: of the panel.
        found: see `SpaceMetrics`.
    """
    row = st.container(horizontal=True)
    for name, words in SHOWN.items():
        value = getattr(found, name)
        mark = "" if name in found.from_scorecard else "*"
        row.metric(words + mark, f"{value:.1%}" if name == "knn5_accuracy" and value is not None else number(value),
                   width="content")  # fmt: skip
    caption = f"{title}, in all its dimensions. "
    if found.from_scorecard:
        caption += (
            "5-NN accuracy and trustworthiness are the scorecard's: of all held-out images, voted by all training "
            "images, and of the first 2,000 held-out images. "
        )
    caption += f"\\* of {found.count:,} of the points above"
    if "knn5_accuracy" not in found.from_scorecard:
        caption += (
            ": the class that each point's five nearest other points vote for, and five neighbours among the images"
        )
    st.caption(caption + ".")


def about_metrics() -> None:
    """Says what the metrics mean."""
    st.caption(
        "5-NN accuracy: how often the five nearest vote for the right class. Trustworthiness (Venna and Kaski, 2001): "
        "1 where the five nearest in the code are near among the images. Silhouette (Rousseeuw, 1987): from −1 to 1, "
        "above 0 where points lie nearer to their own class than to the next. A network can beat PCA in the first and "
        "lose in the second: it pulls classes apart."
    )


def picked_point(
    service: Service, row: int, points: Points, images: np.ndarray, spaces: Sequence[tuple[str, np.ndarray]],
    classes: Sequence[str],
) -> None:  # fmt: skip
    """Draws a point and those nearest to it, a row of images for each space.

    Args:
        service: the back end.
        row: of the point.
        points: all of them.
        images: what is shown of them, uint8 [n, h, w].
        spaces: name and float32 [n, ...] of what is near to what.
        classes: names.
    """
    position, class_name = int(points.positions[row]), classes[int(points.labels[row])]
    found: list[tuple[str, np.ndarray, np.ndarray]] = []
    for name, space in spaces:
        rows, distances = neighbours.nearest(space, row, NEAREST)
        found.append((name, rows, distances))
    left, right = st.columns([1, 4], gap="medium")
    left.image(pictures.mosaic([images[row][None]], scale=5), alt=f"Held-out image {position}, class {class_name}.")
    left.caption(f"Image {position}, class {class_name}.")
    with right:
        for name, rows, distances in found:
            same = int((points.labels[rows] == points.labels[row]).sum())
            caption = ", ".join(f"{classes[int(points.labels[other])]} ({far:.3g})" for other, far in
                             zip(rows, distances, strict=True))  # fmt: skip
            st.image(
                pictures.mosaic([images[rows]], scale=3), alt=f"The {len(rows)} images nearest in {name}: {caption}."
            )
            st.caption(f"Nearest in **{name}**, {same} of {len(rows)} of the same class. Class (distance): {caption}.")
        downloads(
            f"neighbours-{position}",
            lambda: images_figure([images[np.append(row, rows)] for _, rows, _ in found], [name for name, *_ in found]),
            lambda: pd.DataFrame([
                {"space": name, "rank": rank + 1, "image": int(points.positions[other]),
                 "class": classes[int(points.labels[other])], "distance": far}
                for name, rows, distances in found
                for rank, (other, far) in enumerate(zip(rows, distances, strict=True))
            ]),
        )  # fmt: skip
