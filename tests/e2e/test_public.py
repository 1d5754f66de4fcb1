"""Two visitors of a public place, each in a browser of their own."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE, Server

pytestmark = pytest.mark.browser


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, AECORE_PUBLIC="1").start()
    yield server
    server.stop()


@pytest.fixture
def visitors(browser: Browser) -> Iterator[tuple[Page, Page]]:
    contexts = [browser.new_context(viewport={"width": 1400, "height": 1200}) for _ in range(2)]
    for context in contexts:
        context.set_default_timeout(PATIENCE)
    one, other = contexts
    yield one.new_page(), other.new_page()
    for context in contexts:
        context.close()


def badge(page: Page, status: str):
    return page.get_by_test_id("stMainBlockContainer").get_by_text(status, exact=True).first


def test_a_workspace_is_ones_own_and_outlives_a_reload_a_restart_and_a_second_tab(
    public: Server, visitors: tuple[Page, Page]
) -> None:
    mine, theirs = visitors
    mine.goto(f"{public.url}/train?variant=vanilla&epochs=2")
    mine.get_by_role("button", name="Train vanilla").click()
    expect(badge(mine, "finished")).to_be_visible()
    mine.wait_for_url(re.compile(r"run=vanilla-"))
    found = re.search(r"run=(vanilla-[0-9a-f]+)", mine.url)
    assert found
    run = found[1]

    # Nobody else finds it: not by its address, not on any page, not on Home.
    theirs.goto(f"{public.url}/train?run={run}")
    expect(theirs.get_by_text(f"There is no run '{run}'").first).to_be_visible()
    for page in ("latent", "weights", "replay", "your_input"):
        theirs.goto(f"{public.url}/{page}?run={run}")
        expect(theirs.get_by_role("heading", level=1)).to_be_visible()
        expect(theirs.get_by_test_id("stStatusWidget")).to_have_count(0)
        assert f"({run})" not in theirs.content()
    theirs.goto(public.url)
    expect(theirs.get_by_text("what you do here is yours alone")).to_be_visible()
    expect(theirs.get_by_role("heading", name="Runs", exact=True)).to_have_count(0)

    # It can be looked at by a link, and no longer once the link is taken back.
    mine.get_by_role("button", name="Share", exact=True).click()
    mine.get_by_role("button", name="Make a link").click()
    code = mine.get_by_test_id("stCode")
    expect(code).to_contain_text("?run=~")
    link = code.inner_text().strip()
    theirs.goto(link)
    expect(badge(theirs, "finished")).to_be_visible()
    expect(theirs.get_by_text("Shared with you, read-only")).to_be_visible()
    expect(theirs.get_by_role("button", name="Resume", exact=True)).to_have_count(0)
    theirs.goto(f"{public.url}/latent?{link.partition('?')[2]}")
    expect(theirs.get_by_role("combobox", name="Run").first).to_have_value(re.compile("shared with you"))
    mine.get_by_role("button", name="Take the link back").click()
    expect(mine.get_by_role("button", name="Make a link")).to_be_visible()
    theirs.goto(link)
    expect(theirs.get_by_text("may have taken the link back").first).to_be_visible()

    # A reload, a second tab and a restart of the server come back to the same workspace.
    mine.goto(public.url)
    expect(mine.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    second = mine.context.new_page()
    second.goto(f"{public.url}/train?run={run}")
    expect(badge(second, "finished")).to_be_visible()
    public.stop()
    public.start()
    mine.goto(f"{public.url}/train?run={run}")
    expect(badge(mine, "finished")).to_be_visible()
