"""English sentences out of docstrings and reference pages: code, tables, headings and markup are left behind.

Docstrings in the styles of NumPy and Google are understood, and plain reStructuredText.
"""

import inspect
import re
from collections.abc import Iterator

FEWEST_WORDS, MOST_WORDS = 5, 60
_SKIPPED = re.compile(
    r"(examples?|usage|references?|see also|methods|doctests?|citations?|input shapes?)", re.IGNORECASE
)
_UNDERLINE = re.compile(r"([-=~^*#+])\1{2,}")
_GOOGLE = re.compile(r"(?P<title>[A-Z][A-Za-z ]{2,20}):$")
_ENTRY = re.compile(r"(?:\*{0,2}[\w`.,* -]{1,40}(?:\([^)]*\))?):\s+(?=[A-Z])")
_PARAMETER = re.compile(r"[\w*., ]{1,60} : ")
_BULLET = re.compile(r"(?:[-*+•]|\(?[0-9a-z]{1,2}[.)])\s+")
_CODE = re.compile(r">>>|\.\. |\.\.\s*$|:[\w -]+:(?:\s|$)|[|+]|@|\$|%|<")
_TABLE = re.compile(r"[^.?!:;,)\"'”’]\s{2,}|\s{3,}")

# What marks words up, and what is left of it.
_MARKUP = (
    (re.compile(r"\s*\[(?:\d+|[A-Z][\w-]*)\]_?"), ""),
    (re.compile(r":[a-z:]+:`[~!]?([^`<]*?)\s*(?:<[^`>]*>)?`"), r"\1"),
    (re.compile(r"``?([^`<]+?)\s*(?:<[^`>]*>)?``?_{0,2}"), r"\1"),
    (re.compile(r"(?<![\w*])\*{1,2}(\w[^*]*?)\*{1,2}(?![\w*])"), r"\1"),
    (re.compile(r"\s+"), " "),
)
_NO_PROSE = re.compile(r"[\[\]{}<>=\\|_^~#@$/*`+\x00-\x1f]|::|--|\.\.|\w\(|https?:|www\.|[a-z]\.[a-z]{2}|[a-z][A-Z]")
_WORD = re.compile(r"[(\"']?[A-Za-z][A-Za-z’'-]*[)\"']?[,;:.!?]?[)\"']?")
_FUNCTION_WORD = re.compile(
    "the|a|an|of|to|is|are|and|in|for|that|be|with|this|by|as|it|if|or|not|on|from|at|can|which|will|when|has|have|"
    "was|were|may|must|should|does|do|than|each|its|these|there"
)


def paragraphs(docstring: str) -> Iterator[str]:
    """The paragraphs of running text in a docstring, each on one line and free of markup."""
    lines = inspect.cleandoc(docstring).splitlines()
    kept: list[str] = []
    skipping, previous = False, 0
    for number, line in enumerate(lines):
        text, indent = line.strip(), len(line) - len(line.lstrip())
        follows = lines[number + 1].strip() if number + 1 < len(lines) else ""
        titled = _GOOGLE.match(text) if indent == 0 else None
        if (_UNDERLINE.fullmatch(follows) and text) or titled:
            yield from _joined(kept)
            kept, skipping = [], bool(_SKIPPED.fullmatch(titled["title"] if titled else text))
            continue
        if _PARAMETER.match(text):  # its description follows, indented
            yield from _joined(kept)
            kept, previous = [], indent
            continue
        if not text or _UNDERLINE.fullmatch(text) or _CODE.match(text) or ("  " in text and _TABLE.search(text)):
            yield from _joined(kept)
            # A doctest or a directive takes what is indented beneath it, or follows it at once, along.
            kept = ["\0"] if text and not _UNDERLINE.fullmatch(text) else []
            continue
        if skipping:
            continue
        starts = _BULLET.match(text) or _ENTRY.match(text)
        if kept and kept != ["\0"] and (starts or indent != previous) and not (indent > previous and _opens(kept[-1])):
            yield from _joined(kept)
            kept = []
        previous = indent
        if kept != ["\0"]:
            kept.append(text[starts.end() :] if starts else text)
    yield from _joined(kept)


def is_sentence(text: str) -> bool:
    """Whether this is an English sentence of a fair length, and no piece of code, heading or list."""
    if not (text[0].isupper() and text[-1] in ".?!") or _NO_PROSE.search(text):
        return False
    words = text.split(" ")
    if not FEWEST_WORDS <= len(words) <= MOST_WORDS:
        return False
    plain = sum(_WORD.fullmatch(word) is not None for word in words)
    return plain >= 0.8 * len(words) and sum(map(bool, map(_FUNCTION_WORD.fullmatch, words))) >= 2


def _opens(line: str) -> bool:
    """Whether what is indented beneath this line goes on with it, as beneath a bullet."""
    return not line.endswith((":", "."))


def _joined(lines: list[str]) -> Iterator[str]:
    text = " ".join(lines)
    if not lines or lines == ["\0"] or " " not in text:
        return
    for pattern, left in _MARKUP:
        text = pattern.sub(left, text)
    yield text.strip()
