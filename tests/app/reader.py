"""How the tests of pages open one and read what a visitor sees."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]
APP, CHECKPOINTS = str(ROOT / "app.py"), ROOT / "checkpoints"
PATIENCE = 180  # seconds for one drawing, at most
DRAWS = 200


def visit(page: str, **query: Any) -> AppTest:
    """Opens a page with query parameters."""
    app = AppTest.from_file(APP, default_timeout=PATIENCE)
    app.switch_page(f"pages/{page}.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def errors(app: AppTest) -> list[str]:
    return [element.value for element in app.error]


def headers(app: AppTest) -> list[str]:
    return [header.value for header in app.header]


def texts(app: AppTest) -> str:
    """Prose, captions, headings and notes."""
    kinds = (app.markdown, app.caption, app.subheader, app.header, app.info, app.warning)
    return "\n".join(element.value for elements in kinds for element in elements)


def until(app: AppTest, condition: Callable[[AppTest], bool]) -> AppTest:
    """Draws the page again until something is seen; each drawing takes a while, so nothing spins."""
    for _ in range(DRAWS):
        if condition(app):
            return app
        app.run()
    raise AssertionError(f"not seen; the page shows: {[element.value for element in app.markdown]}")


def status_is(status: str) -> Callable[[AppTest], bool]:
    return lambda app: any(f"-badge[{status}]" in element.value for element in app.markdown)
