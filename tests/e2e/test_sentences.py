"""The page Sentences in a browser: a run trained on the way, neighbours, word order, uploads that cannot be used."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE, Server
from tests.e2e.test_journeys import button, no_complaint, status

pytestmark = pytest.mark.browser

SMALL = (
    "variant=sentence&preset=quick&dataset=python-docs&epochs=1&code_size=8&decoder_size=8&vocabulary=1000&length=8"
    "&negatives=50&batch_size=512"
)
VIEWS = ("Similarity", "Neighbours", "Word order", "Between two", "Map", "Corpus")
OVERFLOW = """() => document.querySelector('[data-testid="stMain"]').scrollWidth - window.innerWidth"""


def view(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).click()


def settled(page: Page) -> None:
    """The page is drawn whole."""
    expect(page.get_by_test_id("stSpinner")).to_have_count(0, timeout=2 * PATIENCE)
    expect(page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')).to_be_visible()


def test_from_training_to_reading_neighbours(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/train?{SMALL}")
    button(page, "Train sentence").click()
    expect(status(page, "finished")).to_be_visible(timeout=3 * PATIENCE)
    run = re.findall("run=([^&]+)", page.url)[0]

    page.goto(f"{server.url}/sentences?run={run}")
    expect(page.get_by_text("the reconstruction is the closer one in")).to_be_visible()
    page.wait_for_selector("svg.marks")
    expect(page.get_by_text("untrained encoder: two at random").first).to_be_visible()

    view(page, "Neighbours")
    typed = page.get_by_label("Sentence", exact=True)
    expect(typed).to_be_visible(timeout=2 * PATIENCE)
    typed.fill("Return the mean of the array.")
    typed.press("Enter")
    lists = page.locator("ol.near")
    expect(lists).to_have_count(3)
    expect(lists.first.locator("li")).to_have_count(5)
    cosines = [float(text) for text in lists.first.locator("b").all_inner_texts()]
    assert cosines == sorted(cosines, reverse=True)
    expect(page.get_by_text("of 12,", exact=False).or_(page.get_by_text("held-out sentences of Python docs")).first
           ).to_be_visible()  # fmt: skip
    assert "sentence=Return" in page.url

    view(page, "Word order")
    row = page.get_by_role("row", name="the dog bit the man / the man bit the dog")
    expect(row.get_by_role("cell").nth(1)).to_have_text("1 exactly", timeout=2 * PATIENCE)
    page.get_by_label("First sentence of your own pair").fill("the function calls the class")
    page.get_by_label("Second sentence of your own pair").fill("the class calls the function")
    page.get_by_label("Second sentence of your own pair").press("Enter")
    own = page.get_by_role("row", name="the function calls the class / the class calls the function")
    expect(own.get_by_role("cell").nth(1)).to_have_text("1 exactly")
    expect(own.get_by_role("cell").nth(0)).not_to_have_text("1 exactly")
    settled(page)
    no_complaint(page)

    view(page, "Corpus")
    expect(page.get_by_text("Distinct words")).to_be_visible(timeout=2 * PATIENCE)
    page.get_by_text("Add a text of your own").click()
    page.locator("input[type=file]").first.set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Only one sentence."}
    )
    expect(page.get_by_text("notes.txt")).to_be_visible()
    button(page, "Add the text").click()
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(1)
    expect(page.get_by_test_id("stAlertContentError")).to_contain_text("needs at least 20")
    page.get_by_text("Word vectors (GloVe)").click()
    page.locator("input[type=file]").last.set_input_files(
        {"name": "vectors.txt", "mimeType": "text/plain", "buffer": b"the one two three\n"}
    )
    expect(page.get_by_text("vectors.txt")).to_be_visible()
    button(page, "Add the vectors").click()
    expect(page.get_by_test_id("stAlertContentError")).to_contain_text("vectors.txt")
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_the_pretrained_model_on_a_phone(browser: Browser, server: Server) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{server.url}/sentences?run=sentence-reuters")
    for name in VIEWS:
        view(page, name)
        expect(page.get_by_role("radio", name=name, exact=True)).to_be_checked()
        settled(page)
        no_complaint(page)
        assert page.evaluate(OVERFLOW) <= 0, name
        if name == "Map":
            expect(page.get_by_text("are not on this machine: rest on a point to read its topic")).to_be_visible()
    context.close()
