"""Pictures made of arrays: mosaics of digits, and weights on a scale centred on zero."""

import io
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from PIL import Image

GAP = 2


def mosaic(rows: Sequence[np.ndarray], scale: int = 3, gap: int = GAP) -> bytes:
    """Lays out images in rows.

    Args:
        rows: each [n, h, w], either uint8 or floats in [0, 1].
        scale: pixels in the picture for one in the image.
        gap: between the images, in their pixels.

    Returns:
        A PNG, transparent between the images, so that it suits any theme.
    """
    return _stack([_row(_grey(row), scale, gap) for row in rows], scale, gap)


def tiles(weights: np.ndarray, columns: int = 8, scale: int = 2) -> tuple[bytes, float]:
    """Draws weights [units, h, w] as tiles, blue below zero and red above, all on one scale.

    Returns:
        A PNG, and the weight at the end of the scale.
    """
    weights = np.nan_to_num(weights.astype(np.float32))
    limit = float(np.percentile(np.abs(weights), 99.5)) or 1.0
    coloured = (mpl.colormaps["RdBu_r"](0.5 + 0.5 * np.clip(weights / limit, -1, 1)) * 255).astype(np.uint8)
    missing = -len(coloured) % min(columns, len(coloured))
    blank = np.zeros((missing, *coloured.shape[1:]), np.uint8)
    coloured = np.concatenate([coloured, blank])
    width = min(columns, len(coloured))
    return _stack([_row(coloured[k : k + width], scale) for k in range(0, len(coloured), width)], scale), limit


def _stack(strips: list[np.ndarray], scale: int, gap: int = GAP) -> bytes:
    """Strips one below the other, as a PNG that is quick to make rather than small."""
    between = np.zeros((gap * scale, strips[0].shape[1], 4), np.uint8)
    buffer = io.BytesIO()
    picture = np.vstack([part for strip in strips for part in (strip, between)][:-1])
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _grey(images: np.ndarray) -> np.ndarray:
    if images.dtype != np.uint8:
        images = np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)
    opaque = np.full((*images.shape, 1), 255, np.uint8)
    return np.concatenate([np.repeat(images[..., None], 3, axis=-1), opaque], axis=-1)


def _row(images: np.ndarray, scale: int, gap: int = GAP) -> np.ndarray:
    """[n, h, w, 4] side by side, enlarged without smoothing."""
    large = images.repeat(scale, axis=1).repeat(scale, axis=2)
    between = np.zeros((large.shape[1], gap * scale, 4), np.uint8)
    return np.hstack([part for image in large for part in (image, between)][:-1])
