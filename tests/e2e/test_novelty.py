"""Novelty: from an empty machine to a trained detector with its ROC curve."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Server
from tests.e2e.test_journeys import button, no_complaint

pytestmark = pytest.mark.browser


def test_train_without_a_class_and_detect_it(page: Page, fresh_server: Server) -> None:
    page.goto(f"{fresh_server.url}/novelty")
    expect(page.get_by_text("No run on this machine has a class left out")).to_be_visible()
    button(page, "Train without this class").click()
    expect(page.get_by_text(re.compile("Stacked on digits without class 8"))).to_be_visible()
    expect(page.get_by_role("heading", name="ROC curve")).to_be_visible()
    area = re.compile(r"Area under the ROC curve: (0\.\d{3}) \(±")
    shown = page.get_by_text(area).inner_text()
    found = area.search(shown)
    assert found
    assert 0.8 < float(found[1]) <= 1
    expect(page.locator("svg.marks")).to_have_count(3)
    for heading in ("Reconstruction error", "At this threshold", "The most and the least novel"):
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    no_complaint(page)
    page.reload()  # the address names the run
    expect(page.get_by_text(area)).to_have_text(shown)
    no_complaint(page)
