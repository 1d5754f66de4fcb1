"""The arrows of dependence: the UI's process stays free of TensorFlow, the back end free of Streamlit."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BACK_END = sorted((ROOT / "aecore").rglob("*.py"))
PAGES = [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py"))]
HEAVY = ("tensorflow", "keras")
BEHIND_THE_DOOR = ("aecore.compute", "aecore.training", "aecore.models", "aecore.store.repository")


def imports(path: Path) -> Iterator[str]:
    """Absolute names of all that a file imports, also inside functions; `from a import b` gives a and a.b."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def forbidden(path: Path, packages: tuple[str, ...]) -> list[str]:
    return [name for name in imports(path) if any(name == p or name.startswith(f"{p}.") for p in packages)]


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_reader_of_imports_sees_them():
    """Without this, the tests below could pass by looking at nothing."""
    assert "streamlit" in set(imports(ROOT / "app.py"))
    assert "tensorflow" in set(imports(ROOT / "aecore/models/base.py"))
    assert "aecore.training.trainer" in set(imports(ROOT / "aecore/training/task.py")), "imported inside a function"
    assert len(BACK_END) > 30
    assert len(PAGES) > 3


@pytest.mark.parametrize("module", ["aecore.service", "aecore.cli", "aecore.compute.cluster"])
def test_importing_the_door_leaves_tensorflow_out(module: str):
    code = f"import sys, {module}; print([m for m in sys.modules if m.partition('.')[0] in {HEAVY}])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("path", BACK_END, ids=label)
def test_the_back_end_knows_no_streamlit(path: Path):
    assert not forbidden(path, ("streamlit",))


@pytest.mark.parametrize("path", PAGES, ids=label)
def test_pages_use_only_the_door(path: Path):
    assert not forbidden(path, HEAVY)
    assert not forbidden(path, BEHIND_THE_DOOR)
