"""The page Latent space in a browser: the right thumbnail after filtering, brushing, pointing into a code."""

import io
import re
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from aecore import datasets
from aecore.settings import Settings
from tests.e2e.conftest import PATIENCE, Server
from tests.e2e.test_journeys import no_complaint, status

pytestmark = pytest.mark.browser

THUMBNAIL = """canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"""


def scatter(page: Page) -> Locator:
    return page.locator(".scatter").first


def look(canvas: Locator, tiles: int | None = None) -> dict[str, Any]:
    """What a panel shows, once it is drawn, with so many thumbnails if that is asked for."""
    until, found = time.monotonic() + PATIENCE / 1000, None
    while time.monotonic() < until:
        found = canvas.evaluate("canvas => canvas.look?.() ?? null")
        if found and tiles in (None, found["tiles"]):
            return found
        canvas.page.wait_for_timeout(50)
    raise AssertionError(f"the panel shows {found}")


def drawn(page: Page) -> Locator:
    """The panel on the right, once it is drawn."""
    canvas = scatter(page).locator("figure canvas").nth(1)
    look(canvas)
    canvas.scroll_into_view_if_needed()
    return canvas


def table(page: Page) -> pd.DataFrame:
    """The points as the page gives them away: image, class, x and y on the right."""
    page.get_by_role("button", name="Download").first.click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    page.keyboard.press("Escape")
    found = pd.read_csv(download.value.path())
    right = [column for column in found.columns if column.startswith("right")]
    return found[["image", "class", *right]].set_axis(["image", "class", "x", "y"], axis=1)


def places(canvas: Locator, points: pd.DataFrame) -> np.ndarray:
    """Where the points lie on the screen, in pixels [n, 2]."""
    view = look(canvas)
    box, own = view["box"], canvas.bounding_box()
    assert own
    x = box["x"] + (points["x"] - view["x"][0]) / (view["x"][1] - view["x"][0]) * box["w"]
    y = box["y"] + (view["y"][1] - points["y"]) / (view["y"][1] - view["y"][0]) * box["h"]
    return np.column_stack([own["x"] + x, own["y"] + y])


def train_on_digits(page: Page, server: Server) -> str:
    page.goto(f"{server.url}/train?variant=stacked&epochs=5&code_size=2")
    page.get_by_role("button", name="Train stacked").click()
    expect(status(page, "finished")).to_be_visible()
    found = re.search(r"run=([^&]+)", page.url)
    assert found
    return found[1]


def test_after_filtering_the_thumbnail_is_still_the_points_own_image(page: Page, server: Server) -> None:
    images = datasets.load("digits", Settings(server.home))
    page.goto(f"{server.url}/latent?run={train_on_digits(page, server)}")
    canvas = drawn(page)
    points = table(page)
    assert len(points) == len(images.y_test)
    assert (points["class"].to_numpy() == images.y_test[points["image"]]).all()
    scatter(page).get_by_role("button", name="3", exact=True).click()
    expect(page).to_have_url(re.compile("classes=3"))
    left = points[points["class"] == 3].reset_index(drop=True)
    at = places(canvas, left)
    gaps = np.linalg.norm(at[:, None] - at[None], axis=2) + 1e9 * np.eye(len(at))
    alone = np.flatnonzero(gaps.min(axis=1) > 3)[:6]  # points that the pointer can tell apart
    assert len(alone) >= 3
    tip = scatter(page).locator(".tip")
    for k in alone:
        image = int(left["image"][k])
        page.mouse.move(*at[k])
        expect(tip).to_have_attribute("data-position", str(image))
        expect(tip).to_be_visible()
        pixels = np.array(tip.locator("canvas").evaluate(THUMBNAIL), np.uint8).reshape(84, 84, 4)
        assert np.array_equal(pixels[1::3, 1::3, 0], images.x_test[image, ..., 0])
    page.mouse.down()
    page.mouse.up()
    image = int(left["image"][alone[-1]])
    expect(page.get_by_text(f"Image {image}, class 3.", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(f"point={image}(&|$)"))
    source = page.get_by_role("img", name=f"Held-out image {image}, class 3.").get_attribute("src") or ""
    body = page.request.get(source if source.startswith("http") else server.url + source).body()
    shown = np.asarray(Image.open(io.BytesIO(body)).convert("L"))
    assert np.array_equal(shown[2::5, 2::5], images.x_test[image, ..., 0])
    page.get_by_text("Thumbnails instead of points").click()
    look(canvas, tiles=len(left))
    page.reload()
    expect(page.get_by_text(f"Image {image}, class 3.", exact=True)).to_be_visible()
    look(drawn(page), tiles=len(left))
    no_complaint(page)


def test_brushed_points_are_counted_and_the_keyboard_finds_points(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/latent?run=variational-2&points=500")
    canvas = drawn(page)
    points = table(page)
    at = places(canvas, points)
    corners = np.quantile(at, [0.3, 0.6], axis=0)
    page.mouse.move(*corners[0])
    page.mouse.down()
    page.mouse.move(*corners[1], steps=3)
    page.mouse.up()
    inside = ((at > corners[0] + 1) & (at < corners[1] - 1)).all(axis=1).sum()
    around = ((at >= corners[0] - 1) & (at <= corners[1] + 1)).all(axis=1).sum()
    expect(scatter(page).locator(".status")).to_contain_text("points brushed")
    said = re.match(r"(\d+) points brushed", scatter(page).locator(".status").inner_text())
    assert said
    assert inside <= int(said[1]) <= around
    assert inside > 5
    canvas.focus()
    page.keyboard.press("Escape")
    expect(scatter(page).locator(".status")).to_contain_text("Click a point")
    page.keyboard.press("ArrowRight")
    tip = scatter(page).locator(".tip")
    expect(tip).to_be_visible()
    first = tip.get_attribute("data-position")
    page.keyboard.press("ArrowRight")
    expect(tip).not_to_have_attribute("data-position", str(first))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"point={tip.get_attribute('data-position')}(&|$)"))
    expect(page.get_by_text("principal components, ").first).to_be_visible()
    no_complaint(page)


def test_pointing_into_the_plane_draws_what_is_there(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/latent?run=variational-2&points=500")
    plane = page.locator(".scatter").nth(1).locator("figure canvas")
    look(plane)
    image = page.get_by_role("img", name=re.compile("What the decoder draws at"))
    expect(image).to_be_visible()
    before = image.get_attribute("src")
    plane.scroll_into_view_if_needed()
    view, own = look(plane), plane.bounding_box()
    assert own
    px, py = 0.3 * own["width"], 0.4 * own["height"]
    page.mouse.click(own["x"] + px, own["y"] + py)
    expect(image).not_to_have_attribute("src", str(before))
    box = view["box"]
    x = view["x"][0] + (px - box["x"]) / box["w"] * (view["x"][1] - view["x"][0])
    y = view["y"][1] - (py - box["y"]) / box["h"] * (view["y"][1] - view["y"][0])
    named = re.search(r"at (\S+), (\S+)\.$", image.get_attribute("alt") or "")
    assert named
    assert [float(named[1]), float(named[2])] == pytest.approx([x, y], abs=0.03)
    expect(page).to_have_url(re.compile("walk_x="))
    again = page.get_by_role("button", name="Draw again")
    prior = page.get_by_role("img", name="20 images decoded from random codes.")
    drawn_first = prior.get_attribute("src")
    again.click()
    expect(prior).not_to_have_attribute("src", str(drawn_first))
    no_complaint(page)


def test_it_fits_a_phone(browser: Browser, server: Server) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{server.url}/latent?run=variational-2&points=500&beside=stacked-2")
    drawn(page)
    expect(page.get_by_role("img", name="20 images decoded from random codes.")).to_be_visible()
    wide = page.evaluate(
        "() => { const e = document.querySelector('[data-testid=stMain]'); return e.scrollWidth - e.clientWidth; }"
    )
    assert wide <= 0
    tops = [box["y"] for box in (figure.bounding_box() for figure in scatter(page).locator("figure").all()) if box]
    assert tops[1] > tops[0] + 200, "one panel stands below the other"
    context.close()
