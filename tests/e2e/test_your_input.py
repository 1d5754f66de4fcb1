"""Your input, drawn with the mouse: three pretrained models reconstruct it."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE, Server
from tests.e2e.test_journeys import no_complaint
from tests.unit.images.test_upload import packed, seven

pytestmark = pytest.mark.browser


def draw_a_seven(page: Page) -> None:
    """With the mouse, on the pad."""
    pad = page.locator("canvas").last
    expect(pad).to_be_visible()
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    points = [(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]
    (x, y), *others = [(box["x"] + box["width"] * a, box["y"] + box["height"] * b) for a, b in points]
    page.mouse.move(x, y)
    page.mouse.down()
    for x, y in others:
        page.mouse.move(x, y, steps=15)
    page.mouse.up()


def metrics(page: Page) -> dict[str, float]:
    """PSNR by method."""
    text = page.get_by_test_id("stMain").inner_text()
    return {name: float(psnr) for name, psnr in re.findall(r"\n([a-zA-Z][\w -]+)\n+PSNR ([\d.]+) dB", text)}


def test_a_drawn_seven_is_decoded_by_three_models(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/your_input?std=0.3")
    expect(page.get_by_text("The pad is empty: draw a digit")).to_be_visible()
    draw_a_seven(page)
    expect(page.get_by_role("heading", name="Side by side")).to_be_visible()
    for name in ("denoising", "convolutional-denoising", "vanilla"):
        tile = page.get_by_role("img", name=re.compile(rf"^{name}: PSNR [\d.]+ dB"))
        expect(tile).to_be_visible()
    expect(page.get_by_text(re.compile("non-local means are told σ"))).to_be_visible()
    found = metrics(page)
    assert set(found) >= {"what they are shown", "denoising", "convolutional-denoising", "vanilla", "PCA"}
    assert found["convolutional-denoising"] > found["what they are shown"] + 5, "the noise is gone and the 7 is there"
    no_complaint(page)
    # Who looks elsewhere finds the drawing again.
    page.get_by_role("radio", name="Held-out").or_(page.get_by_role("button", name="Held-out")).first.click()
    expect(page.get_by_text(re.compile("^Image 0 of the"))).to_be_visible()
    page.get_by_role("radio", name="Draw").or_(page.get_by_role("button", name="Draw")).first.click()
    expect(page.get_by_text(re.compile("^Image 0 of the"))).to_have_count(0)
    expect(page.get_by_text("6. Centred.")).to_have_count(1)  # the drawing's; the held-out digit's are gone
    page.wait_for_function("() => document.body.innerText.includes('dB')")
    no_complaint(page)


def test_a_photograph_and_a_text_file_on_a_phone(browser: Browser, server: Server) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{server.url}/your_input?source=Upload&runs=vanilla&noise=none")
    choose = page.locator("input[type=file]")
    photo = {"name": "seven.jpg", "mimeType": "image/jpeg", "buffer": packed(seven(800, 210, 60, 60), "JPEG")}
    choose.set_input_files(photo)  # pyright: ignore[reportArgumentType]
    expect(page.get_by_role("img", name=re.compile(r"^vanilla: PSNR [\d.]+ dB"))).to_be_visible()
    expect(page.get_by_text("2. Inverted.")).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    no_complaint(page)
    choose.set_input_files({"name": "notes.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.get_by_text("The file is no image that can be read here")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    context.close()
