"""A visitor's own text: what is accepted, how it is cut, and one sentence for everything that is refused."""

import time
from pathlib import Path

import pytest

from aecore.datasets import info, names, status
from aecore.datasets.text import Corpus, add_file, add_text, load_corpus, remove_text
from aecore.errors import BadInput, DataMissing, StorageError
from aecore.settings import Settings

LINES = [f"On the {day}th day it rained." for day in range(4, 30)]
TEXT = "\n".join(LINES)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", keras_dir=tmp_path / "keras")


def added(settings: Settings, filename: str, content: str | bytes) -> Corpus:
    data = content.encode() if isinstance(content, str) else content
    return load_corpus(add_text(filename, data, settings), settings)


def refusal(settings: Settings, filename: str, data: bytes) -> str:
    with pytest.raises(BadInput) as caught:
        add_text(filename, data, settings)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    assert ". " not in message, "more than one sentence"
    assert len(message) < 300
    assert names("sentences", settings) == ["python-docs", "reuters"], "nothing is kept"
    return message


# What is accepted


def test_a_text_is_listed_and_read(settings: Settings):
    name = add_text("My Diary (2).TXT", TEXT.encode(), settings)
    assert name.startswith("text-my-diary-2-")
    assert names("sentences", settings)[-1] == name
    found = status(name, settings)
    assert (found.title, found.available, found.modality) == ("My Diary (2).TXT", True, "sentences")
    assert info(name).modality == "sentences", "its name says what it is, also where it is not"
    corpus = load_corpus(name, settings)
    assert (corpus.name, corpus.title) == (name, "My Diary (2).TXT")
    assert list(corpus.sentences) == LINES
    assert corpus.documents.tolist() == list(range(len(LINES)))
    assert corpus.topic_names == ()
    assert [path.name for path in (settings.home / "texts").iterdir()] == [f"{name}.jsonl"]


def test_the_same_text_has_the_same_name(settings: Settings):
    assert add_text("a.txt", TEXT.encode(), settings) == add_text("a.txt", TEXT.encode(), settings)
    assert add_text("a.txt", TEXT.encode(), settings) != add_text("a.txt", TEXT.upper().encode(), settings)
    assert len(names("sentences", settings)) == 4


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(settings: Settings, encoding: str):
    text = TEXT.replace("rained", "tröpfelte")
    assert list(added(settings, "a.txt", text.encode(encoding)).sentences) == text.split("\n")


@pytest.mark.parametrize(
    "text", ["Сегодня день {}, и идёт дождь. ", "今日は{}日で雨です。", "오늘은 {}일이고 비가 옵니다. "]
)
def test_other_alphabets(settings: Settings, text: str):
    corpus = added(settings, "a.txt", "".join(text.format(day) for day in range(1, 31)))
    assert len(corpus) == 30
    assert not corpus.sentences[0].isascii()


def test_lines_wrapped_by_hand_are_put_together(settings: Settings):
    paragraph = (
        "It was a dark night, and the rain that had been falling all the\n"
        "day went on to fall upon the roofs of the town and its harbour.\n"
        "Nobody was out, and the lamps\n\n"
    )
    corpus = added(settings, "a.txt", (paragraph * 15).replace("\n", "\r\n"))
    assert len(corpus) == 30
    assert corpus.documents.max() == 14
    assert corpus.sentences[1] == "Nobody was out, and the lamps"


def test_lines_without_full_stops_are_sentences(settings: Settings):
    headlines = ["Rain again", "Mayor opens new bridge over the river in the old town"] * 12
    assert list(added(settings, "a.txt", "\n".join(headlines)).sentences) == headlines


def test_marks_alone_are_no_sentences(settings: Settings):
    assert list(added(settings, "a.txt", TEXT.replace("\n", "\n* * *\n")).sentences) == LINES


@pytest.mark.parametrize("column", ["text", "Sentence", "BODY", "content"])
def test_csv_with_a_named_column(settings: Settings, column: str):
    rows = "".join(f'{day},"Rain, on day {day}. It fell.",{("wet", "dry")[day % 2]}\r\n' for day in range(20))
    corpus = added(settings, "a.csv", f"id,{column},Label\r\n{rows}")
    assert len(corpus) == 40
    assert corpus.sentences[:2] == ["Rain, on day 0.", "It fell."]
    assert corpus.documents[:4].tolist() == [0, 0, 1, 1]
    assert corpus.topic_names == ("wet", "dry")
    assert [corpus.topics_of(i) for i in range(3)] == [(0,), (0,), (1,)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_takes_the_widest_column_of_text(settings: Settings, delimiter: str):
    rows = [
        (f"{day}", "Jo Doe", f"Rain fell on the hills of day {day}", "https://a.org/" + "x" * 80) for day in range(25)
    ]
    content = "\n".join(delimiter.join(row) for row in [("n", "who", "notes", "link"), *rows])
    corpus = added(settings, "a.csv", content)
    assert len(corpus) == 25
    assert corpus.sentences[0] in ("Rain fell on the hills of day 0", rows[0][3])


def test_csv_without_a_header(settings: Settings):
    rows = [f"{day},Rain fell on the hills of day {day}." for day in range(25)]
    assert len(added(settings, "a.csv", "\n".join(rows))) == 25


def test_one_line_of_ten_megabytes(settings: Settings):
    line = "".join(f"Rain fell on day {day}. " for day in range(420_000))
    begun = time.monotonic()
    name = add_text("a.txt", line.encode(), settings)
    assert time.monotonic() - begun < 20
    assert name in names("sentences", settings)


# What is refused


@pytest.mark.parametrize(
    ("filename", "data", "reported"),
    [
        ("a.pdf", b"%PDF", "is a .txt or .csv file; received 'a.pdf'"),
        ("a", b"text", "received 'a'"),
        ("a.txt", b"", "'a.txt' is empty"),
        ("a.txt", b" \n\t\n", "is empty"),
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n,,\n", "is empty"),
        ("a.txt", b"\xef\xbb\xbf", "is empty"),
        ("a.txt", b"It rains.", "holds one sentence: an own text needs at least 20"),
        ("a.txt", b"It rains. The sun is out.", "holds 2 sentences: an own text needs at least 20"),
        ("a.txt", b"?! ... \n ---", "holds no sentence"),
        ("a.txt", b"word " * 2_000_000, "holds 9,999,999 characters without the end of a sentence"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)), "holds binary data, not text"),
        ("a.txt", b"\x7fELF\x01\x02\xfe\xfd" * 50, "holds binary data, not text"),
        ("a.txt", ("It rains\x01.\n" * 30).encode(), "control characters"),
        ("a.txt", "Es tröpfelt.\n".encode("latin-1") * 30, "is not UTF-8, as its byte 6 shows"),
        ("a.txt", b"\xff\xfe" + "It rains.\n".encode("utf-16-le") * 30 + b"x", "is not UTF-16"),
        ("a.txt", b"x" * 10_000_000, "10,000,000 characters without a blank"),
        ("a.txt", b"x" * 50_000_001, "at most 50 MB; 'a.txt' has 50.0 MB"),
        ("a.csv", b"a,b\n" + b"1,2\n" * 30, "no column of text: name the column text, sentence, body or content; rec"),
        ("a.csv", b"text,b\n" + b"1,It rains here.\n" * 30, "no column of text"),
        ("a.csv", b'a,b\n"' + b"x " * 100_000, "no CSV file"),
    ],
    ids=lambda value: None if isinstance(value, str) else "data",
)  # fmt: skip
def test_refused(settings: Settings, filename: str, data: bytes, reported: str):
    begun = time.monotonic()
    assert reported in refusal(settings, filename, data)
    assert time.monotonic() - begun < 20


def test_a_name_that_is_a_path_stays_in_the_folder(settings: Settings):
    name = add_text("../../etc/pass wd.txt", TEXT.encode(), settings)
    assert name.startswith("text-pass-wd-")
    assert add_text("Дневник.txt", TEXT.encode(), settings).startswith("text-own-")
    assert add_text("C:\\texts\\b.txt", TEXT.encode(), settings).startswith("text-b-")


def test_a_folder_that_cannot_be_written(settings: Settings):
    settings.home.write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="set AECORE_HOME"):
        add_text("a.txt", TEXT.encode(), settings)


# Afterwards


def test_removed_with_its_cache(settings: Settings):
    name = add_text("a.txt", TEXT.encode(), settings)
    load_corpus(name, settings)
    remove_text(name, settings)
    assert names("sentences", settings) == ["python-docs", "reuters"]
    assert not list((settings.home / "cache/corpora").iterdir())
    for gone in (name, "reuters", "../texts"):
        with pytest.raises(BadInput, match="no own text"):
            remove_text(gone, settings)
    with pytest.raises(BadInput, match="There is no dataset"):
        load_corpus(name, settings)


def test_a_damaged_file_is_reported(settings: Settings):
    name = add_text("a.txt", TEXT.encode(), settings)
    (settings.home / "texts" / f"{name}.jsonl").write_bytes(b'{"title": "a.txt"}\n{"text"')
    with pytest.raises(DataMissing, match="remove this text and add it again"):
        load_corpus(name, settings)


def test_a_file_of_this_machine(settings: Settings, tmp_path: Path):
    (tmp_path / "a.txt").write_text(TEXT)
    assert add_file(tmp_path / "a.txt", settings).startswith("text-a-")
    (tmp_path / "v.txt").write_text("rain " + "0.5 " * 50 + "\n")
    assert add_file(tmp_path / "v.txt", settings) == "glove-50"
    for missing in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(BadInput, match="A file that can be read is needed"):
            add_file(missing, settings)
