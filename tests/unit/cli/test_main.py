"""The command line: its JSON, and one sentence with exit status 2 for all that cannot be used."""

import json
from pathlib import Path

import pytest

from aecore.cli.main import BAD_INPUT, main
from aecore.datasets import CORPORA, DATASETS
from aecore.schema import VARIANTS

FIELD_KEYS = {"name", "type", "default", "minimum", "maximum", "choices", "help"}


@pytest.fixture(autouse=True)
def _home(home: Path) -> None:
    """Every test has a home of its own."""


def printed(capfd: pytest.CaptureFixture[str], *arguments: str):
    """What a command prints as JSON; nothing else may be printed."""
    assert main([*arguments, "--json"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    return json.loads(out)


def refused(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on standard error of a command that cannot be carried out."""
    assert main(list(arguments)) == BAD_INPUT
    out, err = capfd.readouterr()
    assert out == ""
    assert err.endswith(".\n")
    assert err.count("\n") == 1
    return err.strip()


def test_variants(capfd: pytest.CaptureFixture[str]):
    rows = printed(capfd, "variants")
    assert [row["name"] for row in rows] == list(VARIANTS)
    for row in rows:
        assert {"name", "title", "fields", "presets"} <= set(row)
        assert row["presets"] == list(VARIANTS[row["name"]].presets)
        for field in row["fields"]:
            assert set(field) >= FIELD_KEYS
    fields = {field["name"]: field for field in rows[0]["fields"]}
    assert fields["code_size"].items() >= {
        "type": "int", "default": 32, "minimum": 1, "maximum": 4096, "choices": None,
    }.items()  # fmt: skip
    assert fields["loss"].items() >= {"type": "choice", "default": "mse", "choices": ["mse", "bce"]}.items()
    assert fields["hidden"]["default"] == []


def test_the_issue_s_field_names_exist(capfd: pytest.CaptureFixture[str]):
    rows = printed(capfd, "variants")
    names = {field["name"] for row in rows for field in row["fields"]}
    assert names >= {
        "code_size", "hidden", "activation", "output_activation", "loss", "optimizer", "learning_rate", "batch_size",
        "epochs", "seed", "noise", "noise_mean", "noise_std", "noise_fraction", "clip", "penalty", "pretraining",
    }  # fmt: skip


def test_data(capfd: pytest.CaptureFixture[str]):
    rows = printed(capfd, "data")
    assert [row["name"] for row in rows] == [*DATASETS, *CORPORA]
    assert all({"name", "title", "available", "where", "licence"} <= set(row) for row in rows)
    assert {row["name"]: row["available"] for row in rows}["digits"] is True
    assert {row["name"]: row["where"] for row in rows}["mnist"] is None


@pytest.mark.parametrize("name", DATASETS)
def test_data_of_one(capfd: pytest.CaptureFixture[str], name: str):
    row = printed(capfd, "data", name)
    assert row["name"] == name
    assert row["available"] == (name == "digits")


def test_data_of_a_corpus_that_is_not_here(capfd: pytest.CaptureFixture[str], home: Path):
    row = printed(capfd, "data", "reuters")
    assert row["modality"] == "sentences"
    assert row["available"] is False
    assert "sentences" not in row
    assert "reuters21578.tar.gz" in row["how"]
    assert str(home / "data") in row["how"]


def test_an_own_text_is_added_listed_and_measured(capfd: pytest.CaptureFixture[str], tmp_path: Path):
    file = tmp_path / "Weather notes.txt"
    file.write_text("".join(f"On day {day} it rained in the hills.\n" for day in range(30)))
    added = printed(capfd, "data", "--add", str(file))
    assert added["name"].startswith("text-weather-notes-")
    assert (added["title"], added["modality"], added["available"]) == ("Weather notes.txt", "sentences", True)
    statistics = {"sentences": 30, "characters_min": 32, "tokens_median": 9.0, "documents": 30}
    assert {name: added[name] for name in statistics} == statistics
    assert printed(capfd, "data", added["name"]) == added
    assert added["name"] in [row["name"] for row in printed(capfd, "data")]
    assert main(["data", added["name"]]) == 0
    assert "characters mean: 32.67" in capfd.readouterr().out


def test_word_vectors_are_added(capfd: pytest.CaptureFixture[str], tmp_path: Path):
    assert printed(capfd, "data", "glove-60")["available"] is False
    file = tmp_path / "mine.txt"
    file.write_text("rain " + " ".join(["0.5"] * 60) + "\n")
    added = printed(capfd, "data", "--add", str(file))
    assert (added["name"], added["modality"], added["available"]) == ("glove-60", "vectors", True)
    assert "glove-60" not in [row["name"] for row in printed(capfd, "data")]


def test_no_runs_yet(capfd: pytest.CaptureFixture[str]):
    assert printed(capfd, "runs") == []


@pytest.mark.parametrize(
    ("command", "reported"),
    [("variants", [*VARIANTS]), ("data", [*DATASETS, *CORPORA, "data mnist --download"]), ("runs", ["No runs yet"])],
)
def test_tables(capfd: pytest.CaptureFixture[str], command: str, reported: list[str]):
    assert main([command]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    for word in reported:
        assert word in out


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        ("", "COMMAND"),
        ("explode", "explode"),
        ("train", "VARIANT"),
        ("train vanilla --colour red", "--colour"),
        ("train gan", "'gan'; the variants are vanilla"),
        ("train vanilla --preset fast", "'fast'; its presets are book"),
        ("train vanilla --dataset cifar", "cifar"),
        ("train vanilla --epochs 0", "epochs takes a whole number from 1 to 10000; received '0'"),
        ("train vanilla --epochs many", "received 'many'"),
        ("train vanilla --epochs -3", "received '-3'"),
        ("train vanilla --seed 1.5", "seed takes a whole number"),
        ("train vanilla --set code_size", "field=value"),
        ("train vanilla --set code_size=", "code_size takes a whole number from 1 to 4096; received ''"),
        ("train vanilla --set latent=3", "no field 'latent'"),
        ("train vanilla --set learning_rate=nan", "received 'nan'"),
        ("train vanilla --set learning_rate=inf", "received 'inf'"),
        ("train vanilla --set hidden=64,x", "hidden takes whole numbers separated by commas"),
        ("train vanilla --set hidden=4096,4096,4096,4096", "parameters"),
        ("train vanilla --set clip=perhaps", "true or false"),
        ("train vanilla --set loss=bce --set output_activation=relu", "output_activation sigmoid"),
        ("train sparse --set penalty=kl --set code_activation=relu", "code_activation sigmoid"),
        ("train vanilla --set batch_size=0 --set dropout=2", "dropout takes"),
        ("resume nothing", "There is no run 'nothing'"),
        ("resume nothing --epochs -1", "epochs takes"),
        ("data cifar", "cifar"),
        ("data --download", "data mnist --download"),
        ("data mnist --add x.txt", "--add takes a file"),
        ("data --add missing.txt", "missing.txt: No such file or directory"),
        ("data --add README.md", "a .txt or .csv file; received 'README.md'"),
        ("data glove-77 --download", "50, 100, 200 or 300 numbers; received 77"),
        ("train vanilla --dataset reuters", "vanilla learns images, and reuters holds sentences"),
        (
            "train sentence --dataset digits",
            "sentence learns sentences, and digits holds images; choose one of python-docs",
        ),
    ],
)
def test_bad_input(capfd: pytest.CaptureFixture[str], arguments: str, reported: str):
    assert reported in refused(capfd, *arguments.split())


def test_line_breaks_in_a_value_do_not_break_the_sentence(capfd: pytest.CaptureFixture[str]):
    assert "code_size" in refused(capfd, "train", "vanilla", "--set", "code_size=1\n2")


def test_markup_in_a_value_is_shown_as_it_is(capfd: pytest.CaptureFixture[str]):
    assert "'[bold]x[/bold]'" in refused(capfd, "train", "[bold]x[/bold]")


def test_a_missing_dataset_says_where_to_put_it(capfd: pytest.CaptureFixture[str], home: Path):
    sentence = refused(capfd, "train", "vanilla", "--dataset", "mnist")
    assert "mnist.npz" in sentence
    assert str(home / "data") in sentence


def test_a_corrupt_dataset(capfd: pytest.CaptureFixture[str], home: Path):
    (home / "data").mkdir(parents=True)
    (home / "data/mnist.npz").write_bytes(b"PK\x03\x04 not an archive")
    status = main(["train", "vanilla", "--dataset", "mnist"])
    out, err = capfd.readouterr()
    assert status in (1, BAD_INPUT)
    assert out == ""
    assert err.count("\n") == 1
    assert str(home / "data/mnist.npz") in err


def test_out_must_be_a_folder(capfd: pytest.CaptureFixture[str], tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in refused(capfd, "train", "vanilla", "--out", str(tmp_path / "file"))


def test_nothing_is_stored_of_what_was_refused(capfd: pytest.CaptureFixture[str]):
    refused(capfd, "train", "vanilla", "--set", "code_size=0")
    refused(capfd, "train", "vanilla", "--dataset", "mnist")
    refused(capfd, "train", "vanilla", "--dataset", "cifar")
    assert printed(capfd, "runs") == []


def test_settings_that_cannot_be_used(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AECORE_IDLE_MINUTES", "soon")
    assert "AECORE_IDLE_MINUTES takes a number" in refused(capfd, "runs")


def test_a_store_that_cannot_be_opened_shows_no_password(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AECORE_DATABASE_URL", "nothing://user:secret@host/db")
    assert main(["runs"]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "secret" not in err


def test_help_is_printed(capfd: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as caught:
        main(["train", "--help"])
    assert caught.value.code == 0
    assert "FIELD=VALUE" in capfd.readouterr().out


CHECKPOINTS = Path(__file__).resolve().parents[3] / "checkpoints"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["evaluate", "nope"], "There is no run 'nope'."),
        (["evaluate", str(CHECKPOINTS / "stacked-30"), "--dataset", "cifar"], "There is no dataset 'cifar'"),
        (["evaluate", str(CHECKPOINTS / "stacked-30")], "MNIST is not on this machine"),
        (["checkpoints", "nope"], "There is no pretrained model 'nope'; they are vanilla, "),
    ],
)
def test_what_cannot_be_evaluated_is_reported(capfd: pytest.CaptureFixture[str], arguments: list[str], sentence: str):
    assert sentence in refused(capfd, *arguments)


def test_a_pretrained_model_is_among_the_runs(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AECORE_CHECKPOINTS", str(CHECKPOINTS))
    rows = {row["run"]: row for row in printed(capfd, "runs")}
    assert rows["stacked-30"]["status"] == "pretrained"
    assert rows["stacked-30"]["metrics"]["sse_per_image"] < rows["stacked-30"]["metrics"]["pca_sse_per_image"]
