"""Modules as one text: what is imported travels along, and modules that import each other are refused."""

import base64
import re
from pathlib import Path

import pytest

from pages.components.scatter.modules import bundle


def test_what_is_imported_travels_along_at_any_depth(tmp_path: Path) -> None:
    (tmp_path / "deep.js").write_text('export const name = "é";\n', "utf-8")
    (tmp_path / "middle.js").write_text('import { name } from "./deep.js";\nexport { name };\n', "utf-8")
    (tmp_path / "entry.js").write_text('// first\nimport { name } from "./middle.js";\nname;\n', "utf-8")
    text, packed = bundle(tmp_path / "entry.js"), r'"data:text/javascript;base64,([^"]+)";'
    assert text.startswith("// first\nimport { name } from ")
    assert text.endswith("\nname;\n")
    for line in ("export { name };\n", 'export const name = "é";\n'):
        found = re.search(packed, text)
        assert found
        text = base64.b64decode(found[1]).decode()
        assert text.endswith(line)
    assert re.search(packed, text) is None


def test_modules_that_import_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one.js").write_text('import { two } from "./two.js";\n', "utf-8")
    (tmp_path / "two.js").write_text('import { one } from "./one.js";\n', "utf-8")
    with pytest.raises(ValueError, match=r"one\.js imports itself through one\.js, two\.js"):
        bundle(tmp_path / "one.js")
