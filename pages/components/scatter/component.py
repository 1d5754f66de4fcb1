"""Scatter plots of up to 10,000 points in the browser: brushed and picked together, with a thumbnail of each point.

A component of its own: Vega draws so many points too slowly, and Plotly asks the server for every brush.
"""

import base64
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from streamlit.components.v2 import component

from pages.components.scatter.modules import bundle

ASSETS = Path(__file__).parent / "assets"
COLUMNS = 100  # of a sheet
THUMBNAILS = 400  # drawn at most, see assets/panel.js
HTML = """<div class="scatter">
  <div class="bar">
    <div class="legend" role="group" aria-label="Classes shown"></div>
    <div class="tools" role="group" aria-label="What dragging does">
      <button value="brush">Brush</button><button value="move">Move</button><button value="reset">Reset</button>
    </div>
  </div>
  <div class="panels"></div>
  <div class="status" role="status"></div>
  <div class="tip" role="img" hidden><canvas width="84" height="84"></canvas><div></div></div>
</div>"""


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture of the points.

    Attributes:
        title: above it.
        coords: float32 [n, 2] or [n, 3].
        axes: what the dimensions are.
        alt: a description for those who cannot see it.
        near: ids of points that are ringed.
    """

    title: str
    coords: np.ndarray
    axes: tuple[str, ...]
    alt: str
    near: Sequence[int] = ()


def scatter(
    key: str,
    panels: Sequence[Panel],
    ids: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    *,
    shown: Sequence[int] = (),
    picked: int | None = None,
    thumbnails: bool = False,
    sheet: str = "",
    drawn: bool = False,
    mark: tuple[float, float] | None = None,
    seen: int = 0,
    on_picked: Callable[[], None] | None = None,
    on_shown: Callable[[], None] | None = None,
    on_placed: Callable[[], None] | None = None,
) -> Any:
    """Draws the same points in one or two panels.

    Args:
        key: of the component; its state holds "picked" (an id or None), "shown" (classes, [] for all) and "placed".
        panels: the pictures.
        ids: int32 [n], what each point is called.
        labels: uint8 [n], its class.
        classes: their names.
        shown: classes shown when it is first drawn, all for none.
        picked: the id of the point that is looked at.
        thumbnails: whether images stand at the points, for 400 of those in view at most.
        sheet: name of the sheet of thumbnails, in the order of the points; see `thumbnail_sheet`.
        drawn: whether the thumbnails are a model's and not the images themselves.
        mark: where the visitor points; None unless places are picked instead of points.
        seen: the last count in "placed" ([x, y, count]) that was answered.
        on_picked: called when "picked" has changed.
        on_shown: called when "shown" has changed.
        on_placed: called when "placed" has changed.
    """
    coords = [np.ascontiguousarray(panel.coords, np.float32) for panel in panels]
    versions = [digest(array.tobytes()) for array in coords]
    data = {
        "panels": [
            {"title": panel.title, "coords": _text(array), "dims": array.shape[1], "axes": list(panel.axes),
             "alt": panel.alt, "version": version}
            for panel, array, version in zip(panels, coords, versions, strict=True)
        ],
        "near": [[int(name) for name in panel.near] for panel in panels],
        "ids": _text(ids.astype(np.int32)), "labels": _text(labels.astype(np.uint8)), "classes": list(classes),
        "shown": list(shown), "picked": picked, "thumbnails": thumbnails, "sheet": sheet, "drawn": drawn,
        "place": mark is not None, "mark": mark, "seen": seen,
        "version": digest(*map(str.encode, versions), ids.tobytes(), *(p.title.encode() for p in panels)),
    }  # fmt: skip
    callbacks = {
        "on_picked_change": on_picked or _nothing,
        "on_shown_change": on_shown or _nothing,
        "on_placed_change": on_placed or _nothing,
    }
    return _scatter()(key=key, data=data, **callbacks)


def thumbnail_sheet(name: str, images: np.ndarray) -> bytes:
    """Images uint8 [n, h, w] on one sheet, as `send_sheet` sends it.

    Args:
        name: 32 letters that stand for the content; see `digest`.
        images: in the order of the points.
    """
    count, side = len(images), images.shape[1]
    columns = min(COLUMNS, max(1, count))
    rows = -(-count // columns)
    cells = np.zeros((rows * columns, side, side), np.uint8)
    cells[:count] = images
    picture = cells.reshape(rows, columns, side, side).transpose(0, 2, 1, 3).reshape(rows * side, columns * side)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=6)
    return name.encode() + bytes([side, columns]) + buffer.getvalue()


def digest(*parts: bytes) -> str:
    """32 letters that stand for some bytes."""
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(part)
    return found.hexdigest()


def send_sheet(key: str, content: bytes) -> None:
    """Sends a sheet to the browser, which keeps it; unchanged ones are not sent again."""
    _sheet()(key=key, data=content)


# Registered anew each time: it costs little, and a component is known only to the server that registered it.


def _scatter() -> Any:
    return component("aecore_scatter", html=HTML, css=(ASSETS / "scatter.css").read_text("utf-8"),
                                      js=bundle(ASSETS / "scatter.js"))  # fmt: skip


def _sheet() -> Any:
    return component("aecore_sheet", html="<span\nhidden></span>",
                                      js=bundle(ASSETS / "sheet.js"))  # fmt: skip


def _text(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


def _nothing() -> None:
    """Streamlit sends a state only where it is listened to."""
