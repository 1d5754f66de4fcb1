"""Words as NLTK's tokenizer cuts them, and which sentence splitter is used."""

import itertools
import random
from pathlib import Path

import pytest
from nltk.tokenize.destructive import NLTKWordTokenizer

from aecore.datasets.text import python_docs, tokenize
from aecore.datasets.text.tokenizing import LONGEST_PIECE, TRAINING_SAMPLE, has_punkt, splitter
from aecore.settings import Settings

TRICKY = [
    "", " ", ".", "...", "''quoted''", '"we go," he said.', "it's o'clock, don't!", "u.s.a. inc. and co.", "a--b -- c",
    "cannot gimme gonna wanna-be cannot.", "'tis more'n d'ye", "he (d-tex.).", "(see above.)", "5,000, 3.5% $4 a&b",
    "x:y z: w;", "10:30, 1/2 3-4", "end of it .", "a, .", 'said "no".', "it's the dogs' ''.", "«oui» “yes” ’no’ – —",
    "на улице, дом 5.", "e-mail@host.org *x* #5 [1] {a} <b>", "why?! what...", "rock 'n' roll 'em", "9.", "mr. x. y",
]  # fmt: skip


@pytest.mark.parametrize("sentence", TRICKY)
def test_words_are_those_of_nltk(sentence: str):
    assert tokenize(sentence) == expected(sentence)


def test_words_are_those_of_nltk_in_any_mixture():
    parts = [part for sentence in TRICKY for part in sentence.split()]
    draw = random.Random(0)
    for _ in range(2000):
        sentence = " ".join(draw.choices(parts, k=draw.randint(1, 7)))
        assert tokenize(sentence) == expected(sentence), sentence


def expected(sentence: str) -> list[str]:
    marks = str.maketrans("", "", ".,-/")
    return ["9" if w.translate(marks).isdigit() else w for w in NLTKWordTokenizer().tokenize(sentence.lower())]


def test_numbers_become_nine_and_letters_small():
    assert tokenize("Sales ROSE 1,234.5 to 10-20 on 3/4, not 4x.") == [
        "sales", "rose", "9", "to", "9", "on", "9", ",", "not", "4x", ".",
    ]  # fmt: skip


def test_a_splitter_is_trained_where_nltk_has_no_data(tmp_path: Path, no_punkt: None):
    settings = Settings(home=tmp_path)
    assert not has_punkt(settings)
    read: list[str] = []

    def sample():
        for paragraph in itertools.cycle(python_docs.sample()):
            read.append(paragraph)
            yield paragraph

    chosen = splitter(settings, sample)
    assert sum(map(len, read)) < 2 * TRAINING_SAMPLE, "training looks at no more than a bounded sample"
    assert "trained on this text" in chosen.words
    assert chosen.split("It rains. It shines, i.e. the sun. Does it?") == [
        "It rains.", "It shines, i.e. the sun.", "Does it?",
    ]  # fmt: skip


@pytest.mark.parametrize("place", ["data", "home/data"])
def test_nltk_s_data_is_found(tmp_path: Path, no_punkt: None, place: str):
    settings = Settings(home=tmp_path / "home", data_dir=tmp_path / "data")
    punkt_tab(tmp_path / place)
    chosen = splitter(settings, list)
    assert "punkt_tab" in chosen.words
    assert chosen.split("See fig. 2 for it. It works.") == ["See fig. 2 for it.", "It works."]


def test_data_that_others_can_write_to_is_passed_over(tmp_path: Path, no_punkt: None):
    settings = Settings(home=tmp_path / "home", data_dir=tmp_path / "data")
    punkt_tab(tmp_path / "data").chmod(0o777)
    assert not has_punkt(settings)
    punkt_tab(tmp_path / "home/data")
    assert has_punkt(settings)


def test_damaged_data_is_passed_over(tmp_path: Path, no_punkt: None):
    settings = Settings(home=tmp_path / "home", data_dir=tmp_path / "data")
    folder = punkt_tab(tmp_path / "data")
    (folder / "ortho_context.tab").write_bytes(b"\xff\xfe nonsense")
    assert not has_punkt(settings)
    (folder / "ortho_context.tab").unlink()
    assert not has_punkt(settings)


def test_long_text_is_split_in_pieces_without_losing_any(tmp_path: Path):
    split = splitter(Settings(home=tmp_path)).split
    text = " ".join(f"Line {number} has some words in it." for number in range(5000))
    assert len(text) > 5 * LONGEST_PIECE
    assert " ".join(split(text)) == text
    assert "".join(split("a" * 3 * LONGEST_PIECE)) == "a" * 3 * LONGEST_PIECE


def test_sentences_of_other_scripts(tmp_path: Path):
    split = splitter(Settings(home=tmp_path)).split
    assert split("你好。我很好。再见。") == ["你好。", "我很好。", "再见。"]
    assert split("यह एक वाक्य है। यह दूसरा है।") == ["यह एक वाक्य है।", "यह दूसरा है।"]


def punkt_tab(folder: Path) -> Path:
    """The smallest model that NLTK can read: it knows one abbreviation."""
    model = folder / "nltk_data/tokenizers/punkt_tab/english"
    model.mkdir(parents=True)
    (model / "abbrev_types.txt").write_text("fig")
    for name in ("collocations.tab", "sent_starters.txt", "ortho_context.tab"):
        (model / name).write_text("")
    for path in (model, *list(model.parents)[:4]):
        path.chmod(0o755)
    for path in model.iterdir():
        path.chmod(0o644)
    return model
