"""Reuters: what is read of its SGML, damaged files, the download, and the figures of the real collection."""

import gzip
import hashlib
import io
import os
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from aecore.datasets import CORPORA, DataFile, download, status
from aecore.datasets.text import load_corpus
from aecore.datasets.text.statistics import corpus_statistics
from aecore.errors import DataMissing
from aecore.settings import Settings
from tests.remote import Remote

FULL_DATA = os.environ.get("AECORE_DATA_DIR")  # read now: other tests set it to folders of their own
FILES = CORPORA["reuters"].unpacked

DOCUMENTS = """<!DOCTYPE lewis SYSTEM "lewis.dtd">
<REUTERS TOPICS="YES" NEWID="1">
<TOPICS><D>cocoa</D><D>sugar</D></TOPICS><PLACES><D>usa</D></PLACES>
<TEXT>&#2;
<TITLE>SHOWERS IN BAHIA &lt;BBB></TITLE>
<DATELINE>    SALVADOR, Feb 26 - </DATELINE><BODY>Showers went on, he said, in
the zone.
    They paid 1,500 dlrs caf\xe9.
 Reuter
&#3;</BODY></TEXT>
</REUTERS>
<REUTERS TOPICS="NO" NEWID="2">
<TOPICS></TOPICS><PLACES></PLACES>
<TEXT>&#2;<TITLE>NO TAG AT ALL</TITLE><BODY>It is left out.</BODY></TEXT>
</REUTERS>
<REUTERS TOPICS="NO" NEWID="3">
<TOPICS></TOPICS><PLACES><D>uk</D></PLACES>
<TEXT TYPE="BRIEF">&#2;
<TITLE>A TITLE OF
 TWO LINES</TITLE></TEXT>
</REUTERS>
"""
EMPTY = '<REUTERS TOPICS="NO"><TOPICS></TOPICS></REUTERS>'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", data_dir=tmp_path / "data", keras_dir=tmp_path / "keras")


def contents() -> dict[str, bytes]:
    return {name: (DOCUMENTS if name == FILES[3] else EMPTY).encode("latin-1") for name in FILES}


def archive(parts: dict[str, bytes]) -> bytes:
    """The files as reuters21578.tar.gz holds them, with one that is not read."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for name, content in {"README.txt": b"read me", **parts}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return raw.getvalue()


def put(folder: Path, parts: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in parts.items():
        (folder / name).write_bytes(content)


def refusal(settings: Settings) -> str:
    with pytest.raises(DataMissing) as caught:
        load_corpus("reuters", settings)
    message = str(caught.value)
    assert "\n" not in message
    assert ". " not in message, "more than one sentence"
    return message


def test_what_is_read(settings: Settings, tmp_path: Path):
    put(tmp_path / "data", {"reuters21578.tar.gz": archive(contents())})
    corpus = load_corpus("reuters", settings)
    text = " ".join(corpus.sentences)
    assert text == (
        "showers in bahia <bbb>. showers went on, he said, in the zone. they paid 1,500 dlrs caf. reuter "
        "a title of two lines."
    )
    assert corpus.documents.max() == 1, "only documents with a <D> tag"
    assert corpus.topic_names == ("cocoa", "sugar"), "topics, not places"
    assert corpus.topics_of(0) == (0, 1)
    assert corpus.topics_of(len(corpus) - 1) == ()
    assert {"9", "<", "bbb", "caf"} <= set(corpus.words)


@pytest.mark.parametrize("folder", ["data", "data/reuters21578", "home/data"])
def test_unpacked_files_give_the_same(settings: Settings, tmp_path: Path, folder: str):
    put(tmp_path / folder, contents())
    assert status("reuters", settings).where == str(tmp_path / folder)
    unpacked = load_corpus("reuters", settings)
    put(tmp_path / "data", {"reuters21578.tar.gz": archive(contents())})
    assert load_corpus("reuters", settings).fingerprint == unpacked.fingerprint


def test_one_file_too_few(settings: Settings, tmp_path: Path):
    put(tmp_path / "data", contents())
    (tmp_path / "data" / FILES[21]).unlink()
    assert not status("reuters", settings).available
    message = refusal(settings)
    assert "Reuters-21578 is not on this machine: download reuters21578.tar.gz" in message
    assert message.endswith("or use python-docs, which needs no download.")


def damaged(case: str) -> bytes:
    whole = archive(contents())
    raw = bytearray(gzip.decompress(whole))
    return {
        "empty": b"",
        "text": b"<html>404: not here</html>",
        "truncated": whole[: len(whole) // 2],
        "flipped": whole[:200] + bytes([whole[200] ^ 0xFF]) + whole[201:],
        "no tar": gzip.compress(b"nothing"),
        "tar cut": gzip.compress(bytes(raw[: len(raw) // 2])),
        "file missing": archive({name: part for name, part in contents().items() if name != FILES[7]}),
        "another order": archive(dict(reversed(contents().items()))),
        "no documents": archive(contents() | {FILES[5]: b"nothing"}),
        "document cut": archive(contents() | {FILES[5]: b"<REUTERS></REUTERS><REUTERS>cut"}),
    }[case]


@pytest.mark.parametrize(
    "case",
    ["empty", "text", "truncated", "flipped", "no tar", "tar cut", "file missing", "another order", "no documents",
     "document cut"],
)  # fmt: skip
def test_a_damaged_archive_is_refused(settings: Settings, tmp_path: Path, case: str):
    put(tmp_path / "data", {"reuters21578.tar.gz": damaged(case)})
    message = refusal(settings)
    assert message.startswith(str(tmp_path / "data/reuters21578.tar.gz"))
    assert message.endswith("delete it and download it again.")
    assert not (settings.home / "cache").exists()


def test_a_damaged_file_is_refused(settings: Settings, tmp_path: Path):
    put(tmp_path / "data", contents() | {FILES[9]: b"\x00\xff"})
    assert refusal(settings).startswith(str(tmp_path / "data" / FILES[9]))


# Download


@pytest.fixture
def published(remote: Remote, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    content = archive(contents())
    remote.files["reuters21578.tar.gz"] = content
    file = DataFile("reuters21578.tar.gz", f"sha256:{hashlib.sha256(content).hexdigest()}", len(content))
    monkeypatch.setitem(CORPORA, "reuters", replace(CORPORA["reuters"], files=(file,)))
    return replace(settings, reuters_url=remote.url)


def test_download(published: Settings):
    seen: list[tuple[int, int]] = []
    download("reuters", published, lambda done, total: seen.append((done, total)))
    assert status("reuters", published).where == str(published.download_dir)
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1] > 0
    assert load_corpus("reuters", published).topic_names == ("cocoa", "sugar")


def test_a_download_that_fails_names_what_needs_none(published: Settings, remote: Remote):
    remote.files.clear()
    with pytest.raises(DataMissing, match=r"404 Not Found .*, or use python-docs, which needs no download\.$"):
        download("reuters", published)
    remote.files["reuters21578.tar.gz"] = b"another file"
    with pytest.raises(DataMissing, match=r"checksum .*, or use python-docs, which needs no download\.$"):
        download("reuters", published)
    assert not status("reuters", published).available


# The real collection


@pytest.mark.data
@pytest.mark.slow
def test_the_complete_collection(tmp_path: Path):
    data = Path(FULL_DATA or "")
    if not FULL_DATA or not (data / "reuters21578.tar.gz").is_file():
        pytest.skip("AECORE_DATA_DIR names no folder with reuters21578.tar.gz")
    corpus = load_corpus("reuters", Settings(home=tmp_path, data_dir=data))
    found = corpus_statistics(corpus, vocabulary=5000)
    if "punkt_tab" not in corpus.sentence_splitter:
        pytest.skip("the textbook's figures need NLTK's punkt_tab data, in AECORE_DATA_DIR/nltk_data")
    assert found["sentences"] == pytest.approx(131_574, abs=100)
    assert (found["characters_min"], found["characters_max"], found["characters_median"]) == (1, 2434, 115)
    assert found["characters_mean"] == pytest.approx(120.62, abs=0.005)
    assert found["words"] == 50_524
    assert found["coverage"] == pytest.approx(0.934, abs=0.0005)
    assert found["documents"] == 19_716
    assert found["topics"] == 120
