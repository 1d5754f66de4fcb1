"""The diagram of docs/architecture.md, held: which package may import which, and who may know TensorFlow or Streamlit.

Imports inside functions and for type checking count as well.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BACK_END = sorted((ROOT / "aecore").rglob("*.py"))
PAGES = [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py"))]
HEAVY = ("tensorflow", "keras")
WITH_TENSORFLOW = ("models", "training")

# From the top down: a package imports those of lower rows only, and of those the ones named beside it.
ALLOWED = {
    "__main__": {"cli"},
    "cli": {"service", "training", "compute", "store", "datasets", "messages", "schema"},
    "service": {"explore", "runs", "compute", "store"},
    "explore": {"runs", "images", "store", "datasets", "analysis", "messages", "schema"},
    "runs": {"compute", "store", "datasets", "analysis", "messages", "schema"},
    "compute": {"training", "datasets", "messages", "schema"},
    "training": {"models", "datasets", "analysis", "messages", "schema"},
    "models": {"messages", "schema"},
    "store": {"messages", "schema"},
    "datasets": {"schema"},
    "images": set(),
    "analysis": set(),
    "messages": set(),
    "schema": set(),
    "files": set(),
    "settings": set(),
    "errors": set(),
}
EVERYWHERE = {"files", "settings", "errors"}
BOTTOM = {"files": set(), "settings": {"errors"}, "errors": set()}
# What pages may import, besides errors: service, configurations, results, and what is computed of them.
FOR_PAGES = ("aecore.service", "aecore.schema", "aecore.explore", "aecore.analysis", "aecore.store.views")


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Absolute names of all that a file imports, wherever it does; `from a import b` gives a and a.b."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def room(path: Path) -> str:
    """The package, or the single module, of `aecore` that a file belongs to; "" for `aecore/__init__.py`."""
    part = path.relative_to(ROOT / "aecore").with_suffix("").parts[0]
    return "" if part == "__init__" else part


def rooms(path: Path) -> set[str]:
    """The other packages and modules of `aecore` that a file imports."""
    names = (name.split(".") for name in imports(path) if name.startswith("aecore."))
    return {parts[1] for parts in names} & (ALLOWED.keys() - {room(path)})


def under(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_reader_of_imports_sees_them():
    """Without this, the tests below could pass by looking at nothing."""
    assert "streamlit" in set(imports(ROOT / "app.py"))
    assert "tensorflow" in set(imports(ROOT / "aecore/models/base.py"))
    assert "aecore.training.attempt" in set(imports(ROOT / "aecore/training/task.py")), "imported inside a function"
    assert "explore" in rooms(ROOT / "aecore/service.py"), "imported for type checking"
    assert len(BACK_END) > 60
    assert len(PAGES) > 30


def test_every_package_stands_in_the_diagram_and_no_arrow_points_up():
    assert {room(path) for path in BACK_END} - {""} == ALLOWED.keys()
    order = list(ALLOWED)
    for name, below in ALLOWED.items():
        assert all(order.index(other) > order.index(name) for other in below), name


@pytest.mark.parametrize("path", BACK_END, ids=label)
def test_a_package_imports_what_the_diagram_allows(path: Path):
    name = room(path)
    allowed = BOTTOM.get(name, ALLOWED.get(name, set()) | EVERYWHERE)
    assert rooms(path) <= allowed


@pytest.mark.parametrize("path", BACK_END, ids=label)
def test_only_models_and_training_know_tensorflow(path: Path):
    assert room(path) in WITH_TENSORFLOW or not [name for name in imports(path) if under(name, HEAVY)]


@pytest.mark.parametrize("path", BACK_END, ids=label)
def test_the_back_end_knows_no_streamlit(path: Path):
    assert not [name for name in imports(path) if under(name, ("streamlit", "pages"))]


@pytest.mark.parametrize("path", PAGES, ids=label)
def test_pages_import_only_what_is_meant_for_them(path: Path):
    found = [name for name in imports(path) if under(name, ("aecore", *HEAVY))]
    assert all(under(name, (*FOR_PAGES, "aecore.errors")) or name == "aecore" for name in found), found


@pytest.mark.parametrize(
    "module", ["aecore.service", "aecore.cli.main", "aecore.compute.cluster", "aecore.explore.latent"]
)
def test_importing_the_service_leaves_tensorflow_out(module: str):
    code = f"import sys, {module}; print([m for m in sys.modules if m.partition('.')[0] in {HEAVY}])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
