"""A public place: each visitor has a workspace, sees nothing of others', and shares by a link."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.components.shared import visitor
from tests.app.conftest import ScriptedWorker
from tests.app.reader import errors, status_is, texts, until, visit

ONE, OTHER = "1" * 32, "2" * 32


@pytest.fixture(autouse=True)
def _public(worker: ScriptedWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    del worker
    monkeypatch.setenv("AECORE_PUBLIC", "1")


def as_visitor(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    """Whoever opens a page from now on comes with this cookie."""
    monkeypatch.setattr(visitor, "workspace", lambda: token)


def trained(worker: ScriptedWorker) -> AppTest:
    app = visit("train")
    app.button(key="train").click().run()
    worker.end.set()
    return until(app, status_is("finished"))


def test_nobody_finds_another_one_s_run(worker: ScriptedWorker, monkeypatch: pytest.MonkeyPatch):
    as_visitor(monkeypatch, ONE)
    trained(worker)
    run = worker.jobs[0].run
    assert worker.jobs[0].workspace == ONE
    assert run in texts(visit("train", run=run))
    as_visitor(monkeypatch, OTHER)
    foreign = visit("train", run=run)
    assert any("There is no run" in error for error in errors(foreign))
    assert not status_is("finished")(foreign)
    assert run not in texts(visit("home"))
    for page in ("latent", "weights", "replay", "your_input", "sentences"):
        assert f"/{run}" not in texts(visit(page, run=run))


def test_a_link_opens_read_only_and_no_longer_when_it_is_taken_back(
    worker: ScriptedWorker, monkeypatch: pytest.MonkeyPatch
):
    as_visitor(monkeypatch, ONE)
    app = trained(worker)
    next(button for button in app.button if button.label == "Make a link").click().run()
    link = next(code.value for code in app.code if "?run=~" in code.value)
    name = link.partition("?run=")[2]

    as_visitor(monkeypatch, OTHER)
    reader = visit("train", run=name)
    assert status_is("finished")(reader)
    assert "Shared with you, read-only" in texts(reader)
    labels = [button.label for button in reader.button]
    assert "Use its settings" in labels
    assert not {"Pause", "Resume", "Stop", "Make a link", "Delete this run"} & set(labels)

    as_visitor(monkeypatch, ONE)
    app.run()
    next(button for button in app.button if button.label == "Take the link back").click().run()
    as_visitor(monkeypatch, OTHER)
    assert any("may have taken the link back" in error for error in errors(visit("train", run=name)))


def test_home_says_whose_place_it_is(monkeypatch: pytest.MonkeyPatch):
    as_visitor(monkeypatch, ONE)
    shown = texts(visit("home"))
    assert "belong to a workspace that nobody else sees; a cookie in this browser opens it again" in shown
    assert "deleted 30 days after your last visit" in shown
    assert "You use **0 of 100** runs" in shown


def test_a_limit_is_told_where_it_is_reached(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AECORE_LIMIT_EPOCHS", "5")
    st.cache_resource.clear()
    as_visitor(monkeypatch, ONE)
    app = visit("train")
    app.button(key="train").click().run()
    assert any("here 5 are allowed: choose fewer" in error for error in errors(app))


def test_a_run_is_deleted_on_request(worker: ScriptedWorker, monkeypatch: pytest.MonkeyPatch):
    as_visitor(monkeypatch, ONE)
    app = trained(worker)
    next(button for button in app.button if button.label == "Delete this run").click().run()
    assert not app.exception
    assert worker.jobs[0].run not in texts(visit("home"))


def test_a_visitor_without_a_cookie_keeps_the_workspace_of_the_session(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(visitor, "cookie", lambda: "")
    app = visit("home")
    first = app.session_state[visitor.COOKIE]
    assert visitor.TOKEN.fullmatch(first)
    app.run()
    assert app.session_state[visitor.COOKIE] == first
    assert visit("home").session_state[visitor.COOKIE] != first
