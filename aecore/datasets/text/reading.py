"""A visitor's file into texts: decoded, checked to be text, and cut into paragraphs, or into the rows of a CSV."""

import csv
import io
import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from aecore.errors import BadInput
from aecore.schema.fields import truncated

MOST_MEGABYTES = 50
LONGEST_WORD = 1_000  # characters without a blank: longer ones are data, not words
LONGEST_SENTENCE = 5_000  # characters without a mark that ends a sentence
SUFFIXES = (".txt", ".csv")
TEXT_COLUMNS = ("text", "sentence", "body", "content")
TOPIC_COLUMNS = ("topic", "label", "category")
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x7f\ufffe\uffff]")
_ENDS = re.compile(r"[.?!…:;\"'”’»)\]。！？।؟]\s*$")  # noqa: RUF001
_BREAKS = re.compile(r"[.?!。！？।؟]")  # noqa: RUF001
_WIDEST_LINE = 120  # characters: text that was wrapped by hand has no longer lines
_HEADER_CELL = 60


class Text(NamedTuple):
    """A document: its text without line breaks, and its topics."""

    text: str
    topics: tuple[str, ...] = ()


def read(filename: str, data: bytes) -> list[Text]:
    """Reads an uploaded file.

    Args:
        filename: its name, which ends in .txt or .csv.
        data: its content: UTF-8, or UTF-16 with a byte order mark.

    Returns:
        One text for each paragraph or line of a .txt file, or for each row of a .csv file.

    Raises:
        BadInput: it cannot be used, in one sentence.
    """
    name = truncated(filename)
    suffix = next((end for end in SUFFIXES if filename.lower().endswith(end)), None)
    if suffix is None:
        raise BadInput(f"An own text is a .txt or .csv file; received '{name}'.")
    if len(data) > MOST_MEGABYTES * 1_000_000:
        raise BadInput(
            f"An own text has at most {MOST_MEGABYTES} MB; '{name}' has {len(data) / 1e6:.1f} MB, so cut it first."
        )
    text = _decoded(name, data)
    if not text.strip():
        raise BadInput(f"'{name}' is empty: an own text needs sentences.")
    texts = list(_paragraphs(text) if suffix == ".txt" else _rows(name, text))
    for found in texts:
        _check(name, found.text)
    return texts


def _check(name: str, text: str) -> None:
    """Refuses what has no words or no sentences, and would take long to find that out."""
    for sentence in _BREAKS.split(text) if len(text) > LONGEST_WORD else ():
        for word in sentence.split():
            if len(word) > LONGEST_WORD:
                raise BadInput(
                    f"'{name}' holds {len(word):,} characters without a blank, from '{word[:20]}…' on: words have at "
                    f"most {LONGEST_WORD:,}, so this is no text."
                )
        if len(sentence) > LONGEST_SENTENCE:
            raise BadInput(
                f"'{name}' holds {len(sentence):,} characters without the end of a sentence, from "
                f"'{sentence.strip()[:20]}…' on: end sentences with a full stop, or put each on a line of its own."
            )


def _decoded(name: str, data: bytes) -> str:
    encoding = next((encoding for mark, encoding in _BOMS if data.startswith(mark)), None)
    if encoding is None and b"\0" in data:
        raise BadInput(f"'{name}' holds binary data, not text: save it as plain text in UTF-8.")
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        wanted = encoding or "utf-8"
        if encoding is None and _is_binary(data):
            raise BadInput(f"'{name}' holds binary data, not text: save it as plain text in UTF-8.") from None
        raise BadInput(
            f"'{name}' is not {wanted.removesuffix('-sig').upper()}, as its byte {error.start + 1:,} shows: save it as "
            "plain text in UTF-8."
        ) from None
    if _CONTROL.search(text):
        raise BadInput(f"'{name}' holds control characters, as binary data does: save it as plain text in UTF-8.")
    return text


def _is_binary(data: bytes) -> bool:
    """Whether control characters, which no encoding of text uses, are among the first bytes."""
    return any(byte < 32 and byte not in b"\t\n\v\f\r\x1b" for byte in data[:10_000])


def _paragraphs(text: str) -> Iterator[Text]:
    """Paragraphs stand between empty lines, if lines were wrapped by hand; else each line is one."""
    lines = [line.strip() for line in text.splitlines()]
    if not _wrapped(lines):
        yield from (Text(" ".join(line.split())) for line in lines if line)
        return
    held: list[str] = []
    for line in [*lines, ""]:
        if line:
            held.append(line)
        elif held:
            yield Text(" ".join(" ".join(held).split()))
            held = []


def _wrapped(lines: list[str]) -> bool:
    """Whether lines end where the page did: most that another follows are about as long as the longest, and open."""
    inner = [line for line, follows in itertools.pairwise(lines) if line and follows]
    if not inner:
        return False
    longest = sorted(map(len, inner))[int(0.95 * (len(inner) - 1))]
    full = sum(len(line) >= 0.7 * longest for line in inner)
    is_open = sum(not _ENDS.search(line) for line in inner)
    return 30 <= longest <= _WIDEST_LINE and full > 0.6 * len(inner) and is_open >= 0.5 * len(inner)


def _rows(name: str, text: str) -> Iterator[Text]:
    rows = _table(name, text)
    width = max(map(len, rows))
    header = [cell.strip().lower() for cell in rows[0]]
    named = any(cell in (*TEXT_COLUMNS, *TOPIC_COLUMNS) for cell in header)
    if named or all(0 < len(cell) <= _HEADER_CELL and not cell[0].isdigit() for cell in header):
        rows = rows[1:]
    else:
        header = []
    columns = [[row[column].strip() for row in rows if column < len(row)] for column in range(width)]
    topic = next((header.index(wanted) for wanted in TOPIC_COLUMNS if wanted in header), None)
    body = next((header.index(wanted) for wanted in TEXT_COLUMNS if wanted in header), None)
    if body is None:
        textual = [i for i, cells in enumerate(columns) if i != topic and _is_textual(cells)]
        body = max(textual, key=lambda i: sum(map(len, columns[i])), default=None)
    if body is None or not _is_textual(columns[body]):
        raise BadInput(
            f"'{name}' has no column of text: name the column {', '.join(TEXT_COLUMNS[:-1])} or {TEXT_COLUMNS[-1]}; "
            f"received the columns {truncated(', '.join(header) or f'{width} without names')}."
        )
    for row in rows:
        if body < len(row) and row[body].strip():
            label = " ".join(row[topic].split()) if topic is not None and topic < len(row) else ""
            yield Text(" ".join(row[body].split()), (label,) if label else ())


def _table(name: str, text: str) -> list[list[str]]:
    first = text.lstrip().partition("\n")[0]
    delimiter = max((",", ";", "\t"), key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = [row for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise BadInput(f"'{name}' is no CSV file, as its line {reader.line_num:,} shows ({error}).") from None
    if not rows:
        raise BadInput(f"'{name}' is empty: an own text needs sentences.")
    return rows


def _is_textual(cells: list[str]) -> bool:
    """Whether most cells hold several words, or as many letters as several words of a script without blanks."""
    filled = [cell for cell in cells if cell]
    wordy = [" " in cell or len(cell) > 20 or not cell.isascii() for cell in filled if any(map(str.isalpha, cell))]
    return sum(wordy) > 0.5 * len(filled)
