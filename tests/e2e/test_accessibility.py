"""WCAG 2.1 AA on every page in both themes, as axe-core sees it, and headings that skip no level."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Server

pytestmark = pytest.mark.browser

PAGES = ("", "train", "train?run=stacked-2", "latent", "weights", "replay", "your_input", "novelty",
         "sentences", "sentences?view=Corpus")  # fmt: skip
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
         "rules": {"heading-order": {"enabled": True}}}  # fmt: skip
BACKGROUND = "() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
SETTLED = "() => !document.getAnimations().some(a => a instanceof CSSTransition && a.playState === 'running')"
# What Streamlit causes by itself: rule, and a piece of what axe-core says.
STREAMLIT = (
    # It writes primaryColor on the dark page (slider values, chosen options) and white on primaryColor (buttons):
    # the first needs a luminance of more than 0.24, the second one of less than 0.18, so the buttons have theirs.
    ("color-contrast", "foreground color: #1a7bbd"),
)  # fmt: skip


def remaining(found: dict[str, Any]) -> list[str]:
    """The violations that are the dashboard's own, a line each."""
    return [
        f"{violation['id']}: {node['html'][:160]} ({node['failureSummary'].splitlines()[-1].strip()[:160]})"
        for violation in found["violations"]
        for node in violation["nodes"]
        if not any(violation["id"] == rule and piece in node["failureSummary"] for rule, piece in STREAMLIT)
    ]


@pytest.mark.parametrize("name", PAGES, ids=lambda name: name or "home")
def test_a_page_can_be_read_by_everybody_in_both_themes(server: Server, page: Page, name: str):
    page.goto(f"{server.url}/{name}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.locator("[data-testid=stSpinner]")).to_have_count(0)
    expect(page.locator("[data-stale=true]")).to_have_count(0)
    light = page.evaluate(BACKGROUND)
    found = {"light": Axe().run(page, options=RULES).response}
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"light => ({BACKGROUND})() !== light", arg=light)
    page.wait_for_function(SETTLED)
    found["dark"] = Axe().run(page, options=RULES).response
    for theme, seen in found.items():
        assert seen["passes"], "axe looked at nothing"
        assert not remaining(seen), "\n".join([theme, *remaining(seen)])
