"""Addresses that nobody would type: a number that a widget cannot hold gets one sentence, on every page."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import ScriptedWorker
from tests.app.reader import APP, texts, visit

ROOT = Path(APP).parent
PAGES = ("home", "train", "latent", "weights", "replay", "your_input", "novelty", "sentences")
INFINITE = ("1e999", "-1e999", "nan", "9" * 400)
OTHERS = ("abc", "", "-5", "1e3", "99999999999999999999")
BOUND = re.compile(r'key="([a-z_]+)"[^)]*?bind="query-params"', re.DOTALL)


def numeric_parameters() -> list[str]:
    """Names that any page binds to its query parameters, prose left out."""
    sources = "".join(path.read_text("utf-8") for path in sorted((ROOT / "pages").rglob("*.py")))
    return sorted({*BOUND.findall(sources), "unit", "at", "pca", "points", "walk_x", "d1"} - {"sentence", "from"})


@pytest.fixture
def pretrained(worker: ScriptedWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    del worker
    monkeypatch.setenv("AECORE_CHECKPOINTS", str(ROOT / "checkpoints"))


def opened(page: str, **query: str) -> AppTest:
    test = AppTest.from_file(APP, default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    return test.switch_page(f"pages/{page}.py").run()


def test_parameters_are_found():
    assert {"seed", "sample", "std", "image", "steps"} <= set(numeric_parameters())


@pytest.mark.parametrize("page", PAGES)
def test_infinite_numbers_get_one_sentence_each(pretrained: None, page: str):
    names = numeric_parameters()
    query = {name: INFINITE[k % len(INFINITE)] for k, name in enumerate(names)}
    test = opened(page, **query)
    assert not test.exception
    reported = [error.value for error in test.error if "takes a finite number" in error.value]
    assert len(reported) == len(names)
    assert all(len(sentence) < 150 for sentence in reported)


@pytest.mark.parametrize("value", INFINITE)
@pytest.mark.parametrize(("page", "name"), [("your_input", "seed"), ("latent", "sample")])
def test_an_infinite_seed_is_left_out(pretrained: None, page: str, name: str, value: str):
    test = opened(page, **{name: value})
    assert not test.exception
    assert [error.value for error in test.error if error.value.startswith(f"{name} takes a finite number")]
    assert test.number_input(key=name).value == 0


@pytest.mark.parametrize("value", OTHERS)
@pytest.mark.parametrize("page", ["latent", "your_input"])
def test_other_numbers_end_in_no_exception(pretrained: None, page: str, value: str):
    assert not opened(page, **dict.fromkeys(numeric_parameters(), value)).exception


def test_a_drawing_that_was_asked_for_with_older_parameters_undoes_nothing(worker: ScriptedWorker) -> None:
    app = visit("train")
    before = dict(app.query_params)
    app.button(key="train").click().run()
    run = worker.jobs[0].run
    assert app.query_params["run"] == run
    for name in [name for name in app.query_params if name not in before]:
        del app.query_params[name]  # as a browser does that has not heard of the newest ones
    app.run()
    assert app.query_params["run"] == run
    assert f"`{run}`" in texts(app)
