"""The picture on Home: a real digit, its code, and what comes back, as one SVG."""

import base64
import io

import numpy as np
from PIL import Image

INK, ACCENT = "#808495", "#0072b2"  # legible on the light and on the dark page


def autoencoder(image: np.ndarray, code: np.ndarray, output: np.ndarray) -> str:
    """Draws encoder and decoder around a computed example.

    Args:
        image: floats [h, w] in [0, 1].
        code: [units].
        output: floats [h, w] in [0, 1].

    Returns:
        An SVG of 760 by 230 units.
    """
    limit = float(np.abs(code).max()) or 1.0
    height = 150 / len(code)
    bars = "".join(
        f'<rect x="{380 + min(0.0, 26 * value / limit):.1f}" y="{20 + k * height:.1f}" '
        f'width="{max(1.0, abs(26 * value / limit)):.1f}" height="{height - 2:.1f}" fill="{ACCENT}"/>'
        for k, value in enumerate(code)
    )
    words = "".join(
        f'<text x="{x}" y="{y}" text-anchor="middle" font-size="14" fill="{INK}">{text}</text>'
        for x, y, text in (
            (75, 200, f"image x, {image.size} pixels"),
            (230, 100, "encoder"),
            (380, 200, f"code h, {len(code)} numbers"),
            (530, 100, "decoder"),
            (685, 200, "reconstruction x̂"),
        )
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 215" width="760" height="215" '
        'font-family="sans-serif">'
        f'<image x="5" y="25" width="140" height="140" href="{_data(image)}"/>'
        f'<path d="M155 20 L335 70 L335 120 L155 170 Z" fill="{ACCENT}" fill-opacity="0.12" stroke="{INK}"/>'
        f"{bars}"
        f'<path d="M605 20 L425 70 L425 120 L605 170 Z" fill="{ACCENT}" fill-opacity="0.12" stroke="{INK}"/>'
        f'<image x="615" y="25" width="140" height="140" href="{_data(output)}"/>'
        f"{words}</svg>"
    )


def _data(image: np.ndarray) -> str:
    large = np.round(image * 255).astype(np.uint8).repeat(5, axis=0).repeat(5, axis=1)
    buffer = io.BytesIO()
    Image.fromarray(large).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
