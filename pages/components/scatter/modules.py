"""JavaScript modules of a component as one text.

Streamlit serves a folder of files only to components of installed packages; another gives its script as text, which the
browser loads from an address where "./panel.js" means nothing. Each module it imports becomes an address by itself.
"""

import base64
import re
from pathlib import Path

IMPORT = re.compile(r'^(import [^"\';]* from )"\./([\w-]+\.js)";$', re.MULTILINE)


def bundle(entry: Path, importers: tuple[Path, ...] = ()) -> str:
    """The text of a module with all that it imports from its folder.

    Args:
        entry: the module.
        importers: modules that it is imported by, directly or not.

    Raises:
        ValueError: when modules import each other.
    """
    if entry in importers:
        raise ValueError(f"{entry.name} imports itself through {', '.join(path.name for path in importers)}")

    def inline(found: re.Match[str]) -> str:
        text = bundle(entry.parent / found[2], (*importers, entry))
        return f'{found[1]}"data:text/javascript;base64,{base64.b64encode(text.encode()).decode()}";'

    return IMPORT.sub(inline, entry.read_text("utf-8"))
