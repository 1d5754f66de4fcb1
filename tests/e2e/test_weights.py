"""Journeys through Weights and Replay: two models beside each other, a unit, a film that plays and follows."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE, Server
from tests.e2e.test_journeys import PICTURE, button, no_complaint

pytestmark = pytest.mark.browser

WIDTH = "() => { const e = document.querySelector('[data-testid=stMain]'); return e.scrollWidth - e.clientWidth; }"
FRAME = "() => +(document.body.innerText.match(/snapshot (\\d+) of/) || [0, 0])[1]"


def test_standard_beside_sparse_and_a_unit_of_each(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/weights?run=vanilla")
    page.get_by_role("link", name="The textbook's standard autoencoder beside its sparse one").click()
    expect(page.get_by_role("img", name="Weight matrix of sparse-l1, 128 units by 784 weights.")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("Colour scale from −.* over 0 to"))).to_have_count(4)
    expect(page.get_by_text("effective number of units", exact=True)).to_be_visible()
    unit = page.get_by_role("spinbutton", name="Unit of vanilla")
    unit.fill("3")
    unit.press("Enter")
    expect(page).to_have_url(re.compile("unit=3"))
    expect(page.get_by_role("img", name="Weights of unit 3 of vanilla.")).to_be_visible()
    button(page, "Download").first.click()
    with page.expect_download() as saved:
        button(page, "SVG").click()
    content = saved.value.path().read_text()
    assert "vanilla" in content
    assert "sparse-l1" in content
    no_complaint(page)


def test_a_film_plays_to_its_end_and_a_link_opens_a_moment(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/replay?run=variational-2&at=2")
    expect(page.get_by_text("After epoch 1.87 of 60")).to_be_visible()
    page.wait_for_selector("svg.marks")
    before = page.evaluate(PICTURE)
    button(page, "Play").click()
    page.wait_for_function(f"before => ({PICTURE})() !== before", arg=before)  # the rule moves
    expect(page.get_by_text("snapshot 12 of 12")).to_be_visible()
    expect(button(page, "Play")).to_be_visible()  # it has stopped by itself
    page.get_by_role("slider", name="Epoch").press("Home")
    expect(page.get_by_text("snapshot 1 of 12")).to_be_visible()
    expect(page).to_have_url(re.compile("at=0"))
    no_complaint(page)


def test_the_slider_of_a_live_run_follows_until_it_is_moved(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/train?variant=vanilla&epochs=3000&code_size=16&speed=5+epochs+a+second")
    page.get_by_role("button", name="Train vanilla").click()
    expect(page.get_by_text("running", exact=True).first).to_be_visible()  # the page of the run, not the one before it
    page.get_by_text("Time: replay this run").click()
    expect(page.get_by_text("It follows the training.")).to_be_visible()
    early = page.evaluate(FRAME)
    page.wait_for_function(f"early => ({FRAME})() >= early + 2", arg=early)
    expect(page.get_by_text("It follows the training.")).to_be_visible()
    button(page, "Back").click()
    expect(page.get_by_text("It follows the training.")).to_have_count(0)
    held = page.evaluate(FRAME)
    total = "() => +(document.body.innerText.match(/snapshot \\d+ of (\\d+)/) || [0, 0])[1]"
    page.wait_for_function(f"held => ({total})() >= held + 3", arg=held)
    assert page.evaluate(FRAME) == held
    button(page, "Stop").click()
    expect(page.get_by_text("stopped", exact=True).first).to_be_visible()
    no_complaint(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(browser: Browser, server: Server, scheme: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    for path, last in (("/weights?run=vanilla&with=sparse-l1", "Its activation over"), ("/replay", "One scale for")):
        page.goto(server.url + path)
        expect(page.get_by_text(last).first).to_be_visible()
        assert page.evaluate(WIDTH) <= 0, path
        no_complaint(page)
    context.close()
