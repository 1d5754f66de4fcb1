"""What visitors do: the first curve, pause and resume, a bad field, a phone, a server that dies."""

import re
import signal

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE, Server

pytestmark = pytest.mark.browser

PICTURE = "() => document.querySelector('svg.marks').outerHTML"
AXES = """() => [...document.querySelector('svg.marks').querySelectorAll('.role-axis-label text')]
    .map(text => text.textContent).join()"""


def status(page: Page, name: str):
    return page.get_by_test_id("stMainBlockContainer").get_by_text(name, exact=True).first


def button(page: Page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def start_slowly(page: Page, server: Server, speed: str = "5 epochs a second") -> None:
    """Opens Train with a small model at a speed that can be followed, and presses the button."""
    page.goto(f"{server.url}/train?variant=vanilla&epochs=2000&speed={speed.replace(' ', '+')}")
    page.get_by_role("button", name="Train vanilla").click()
    expect(status(page, "running")).to_be_visible()


def epoch(page: Page) -> float:
    shown = page.get_by_text(re.compile(r"Epoch [\d.]+ of")).first.inner_text()
    found = re.search(r"Epoch ([\d.]+) of", shown)
    assert found, shown
    return float(found[1])


def wait_for_epoch(page: Page, number: float) -> None:
    page.wait_for_function(
        "wanted => { const m = document.body.innerText.match(/Epoch ([\\d.]+) of/); return m && +m[1] >= wanted; }",
        arg=number,
    )


def no_complaint(page: Page) -> None:
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


def test_first_visit_to_first_curve(page: Page, server: Server) -> None:
    page.goto(server.url)
    expect(page.get_by_role("heading", name="Autoencoders, live")).to_be_visible()
    button(page, "Train a first model").click()
    wait_for_epoch(page, 3)
    page.wait_for_selector("svg.marks")
    early = page.evaluate(PICTURE)
    wait_for_epoch(page, epoch(page) + 3)
    page.wait_for_function(f"before => ({PICTURE})() !== before", arg=early)  # the curve moves
    for heading in ("Loss", "Reconstructions", "Codes", "Weights", "Scorecard"):
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    expect(status(page, "finished")).to_be_visible()
    expect(page.get_by_text("5-NN accuracy on the codes")).to_be_visible()
    no_complaint(page)


def test_pause_reload_second_tab_resume_and_stop(page: Page, server: Server) -> None:
    start_slowly(page, server)
    button(page, "Pause").click()
    expect(status(page, "paused")).to_be_visible()
    at = epoch(page)
    page.reload()
    expect(status(page, "paused")).to_be_visible()
    assert epoch(page) == at
    other = page.context.new_page()
    other.goto(page.url)
    expect(status(other, "paused")).to_be_visible()
    button(page, "Resume").click()
    expect(status(page, "running")).to_be_visible()
    wait_for_epoch(page, at + 2)
    page.reload()  # in mid-run: nothing is disturbed
    expect(status(page, "running")).to_be_visible()
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", name="This machine")).to_be_visible()
    page.get_by_role("link", name="Train", exact=True).click()
    expect(status(page, "running")).to_be_visible()
    button(page, "Stop").click()
    expect(status(page, "stopped")).to_be_visible()
    expect(page.get_by_text("Mean squared error", exact=True)).to_be_visible()
    other.reload()
    expect(status(other, "stopped")).to_be_visible()
    no_complaint(page)


def test_step_trains_one_epoch_and_keeps_the_zoom(page: Page, server: Server) -> None:
    start_slowly(page, server)
    wait_for_epoch(page, 4)
    button(page, "Pause").click()
    expect(status(page, "paused")).to_be_visible()
    chart = page.locator("svg.marks").first
    chart.evaluate("node => { node.dataset.mine = 'yes'; }")
    whole = page.evaluate(AXES)
    chart.hover()
    page.mouse.wheel(0, -600)
    page.wait_for_function(f"before => ({AXES})() !== before", arg=whole)
    before, zoomed = epoch(page), page.evaluate(AXES)
    button(page, "Step").click()
    wait_for_epoch(page, before + 0.001)
    expect(status(page, "paused")).to_be_visible()
    assert epoch(page) == int(before) + 1
    assert chart.get_attribute("data-mine") == "yes", "the chart was mounted anew"
    assert page.evaluate(AXES) == zoomed
    chart.dblclick()
    page.wait_for_function(f"before => ({AXES})() !== before", arg=zoomed)
    button(page, "Stop").click()
    expect(status(page, "stopped")).to_be_visible()


def test_bad_field_is_reported_beside_it(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/train?variant=stacked")
    widths = page.get_by_role("textbox", name="Hidden layers")
    widths.fill("512, many")
    widths.press("Enter")
    expect(page.get_by_text("received '512, many'")).to_be_visible()
    expect(page.get_by_role("button", name="Train stacked")).to_be_disabled()
    widths.fill("64,32")
    widths.press("Enter")
    expect(page.get_by_role("button", name="Train stacked")).to_be_enabled()
    expect(page.get_by_text("received '512, many'")).to_have_count(0)
    expect(page).to_have_url(re.compile("hidden=64%2C32"))


def test_first_visitor_by_a_deep_link_gets_the_whole_page(page: Page, fresh_server: Server) -> None:
    page.goto(f"{fresh_server.url}/train?variant=denoising&noise_std=0.9")
    expect(page.get_by_role("button", name="Train denoising")).to_be_visible()
    expect(page.get_by_role("link", name="Home")).to_be_visible()
    expect(page).to_have_url(re.compile("noise_std=0.9"))
    for process in fresh_server.family():  # neither the server nor anything else has loaded TensorFlow
        assert not any("tensorflow" in mapped.path for mapped in process.memory_maps()), process.name()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone(browser: Browser, server: Server, scheme: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme, has_touch=True)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    for path in ("/", "/train?variant=sparse&epochs=20"):
        page.goto(server.url + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        if "train" in path:
            page.get_by_role("button", name="Train sparse").click()
            expect(status(page, "finished")).to_be_visible()
            expect(page.get_by_text("Mean squared error", exact=True)).to_be_visible()
        wide = page.evaluate(
            "() => { const e = document.querySelector('[data-testid=stMain]'); return e.scrollWidth - e.clientWidth; }"
        )
        assert wide <= 0, f"{path} is {wide} pixels too wide"
    context.close()


@pytest.mark.faults
def test_server_killed_and_started_again(page: Page, fresh_server: Server) -> None:
    start_slowly(page, fresh_server)
    wait_for_epoch(page, 15)
    address = page.url
    (worker,) = fresh_server.workers()
    before = epoch(page)
    fresh_server.stop(signal.SIGKILL)
    fresh_server.start()
    page.goto(address)
    expect(status(page, "running")).to_be_visible()
    assert epoch(page) >= before, "it went on"
    wait_for_epoch(page, before + 10)
    # A new server draws its first page twice; a click in between would be lost.
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    button(page, "Stop").click()
    expect(status(page, "stopped")).to_be_visible()
    fresh_server.stop()
    assert not psutil.wait_procs([worker], timeout=30)[1], "left running"


@pytest.mark.faults
def test_server_and_worker_killed(page: Page, fresh_server: Server) -> None:
    start_slowly(page, fresh_server)
    wait_for_epoch(page, 15)
    address = page.url
    for process in fresh_server.family():
        process.kill()
    fresh_server.stop()
    fresh_server.start()
    page.goto(address)
    expect(status(page, "interrupted")).to_be_visible()
    expect(page.get_by_text("The program that trained this run ended.")).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    button(page, "Resume").click()
    expect(status(page, "running")).to_be_visible()
    before = epoch(page)
    wait_for_epoch(page, before + 2)
    button(page, "Stop").click()
    expect(status(page, "stopped")).to_be_visible()


@pytest.mark.faults
def test_worker_killed_in_mid_run(page: Page, server: Server) -> None:
    start_slowly(page, server)
    wait_for_epoch(page, 15)
    (worker,) = server.workers()
    worker.kill()
    expect(page.get_by_text("Its worker was lost, and it went on by itself")).to_be_visible()
    expect(status(page, "running")).to_be_visible()
    button(page, "Stop").click()
    expect(status(page, "stopped")).to_be_visible()


def test_a_pretrained_model_opens_without_data_and_lends_its_settings(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.get_by_role("link", name="variational-2", exact=True).click()
    expect(status(page, "pretrained")).to_be_visible()
    for heading in ("Loss", "Codes", "Reconstructions", "The plane of codes", "Drawn from the prior", "Scorecard"):
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    page.wait_for_selector("svg.marks")
    expect(page.get_by_text("Evidence lower bound, nats")).to_be_visible()
    no_complaint(page)
    button(page, "Use its settings").click()
    expect(page.get_by_text("MNIST is not on this machine.").first).to_be_visible()
    expect(page.get_by_role("button", name="Train variational")).to_be_disabled()


def test_a_convolutional_model_shows_kernels_and_feature_maps(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/train?variant=convolutional&epochs=2")
    page.get_by_role("button", name="Train convolutional").click()
    expect(status(page, "finished")).to_be_visible()
    for heading in ("Kernels", "Feature maps"):
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("feature maps of a held-out image"))).to_be_visible()
    no_complaint(page)
