"""Pictures for a paper: drawn where they belong, as PNG and as SVG with text that stays text."""

import io

import numpy as np
import pytest
from PIL import Image

from pages.components.latent.figures import images_figure, scatter_figure
from pages.components.scatter.component import Panel
from pages.components.shared.export import DPI, rendered


def test_rows_of_images_keep_their_places_and_titles():
    rows = [np.full((3, 28, 28), shade, np.uint8) for shade in (0, 120)]
    picture = np.asarray(Image.open(io.BytesIO(rendered(lambda: images_figure(rows), "png"))).convert("L"))
    height, width = picture.shape
    assert width / height == pytest.approx(88 / 58, rel=0.02)
    assert (picture[height // 4, width // 6], picture[3 * height // 4, width // 2]) == (0, 120)
    assert 255 in picture[:, width // 6], "white between the rows"
    svg = rendered(lambda: images_figure(rows, ["linear", "spherical"]), "svg").decode()
    assert ">linear<" in svg
    assert ">spherical<" in svg


@pytest.mark.parametrize("dims", [2, 3])
def test_panels_name_what_they_show(dims: int):
    rng = np.random.default_rng(0)
    axes = ("component 1", "component 2", "component 3")[:dims]
    panels = [Panel(title, rng.normal(size=(40, dims)).astype(np.float32), axes, "") for title in ("PCA", "Code")]
    labels = (np.arange(40) % 3).astype(np.uint8)
    svg = rendered(lambda: scatter_figure(panels, labels, ("shirt", "bag", "boot"), [0, 2]), "svg").decode()
    for name in ("PCA", "Code", "shirt", "boot", *axes):
        assert f">{name}<" in svg
    assert ">bag<" not in svg, "only the classes that are shown"
    size = Image.open(io.BytesIO(rendered(lambda: scatter_figure(panels, labels, ("a", "b", "c"), []), "png"))).size
    assert size[0] == pytest.approx(6.8 * DPI, abs=2)
