"""Pretrained models on the pages of a machine that has no data."""

import json
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import ScriptedWorker
from tests.app.reader import APP, CHECKPOINTS, errors, visit

NAMES = sorted(folder.parent.name for folder in CHECKPOINTS.glob("*/manifest.json"))


def test_home_offers_them(checkpoints: Path) -> None:
    del checkpoints
    app = AppTest.from_file(APP, default_timeout=60).run()
    assert not app.exception
    assert "Pretrained models" in [header.value for header in app.header]
    links = [link.proto.label for link in app.get("page_link")]
    assert [name for name in NAMES if f"**{name}**" not in links] == []
    assert "Runs" not in [header.value for header in app.header], "nobody has trained anything here"


@pytest.mark.parametrize("name", NAMES)
def test_each_opens_without_data(checkpoints: Path, name: str) -> None:
    app = visit("train", run=name)
    assert not app.exception
    assert not errors(app)
    assert not app.warning, "the form starts with a dataset that is here"
    shown = "\n".join(element.value for element in (*app.markdown, *app.caption))
    assert "-badge[pretrained]" in shown
    assert "Epoch" not in [progress.proto.text for progress in app.get("progress")]
    assert len(app.get("vega_lite_chart")) >= 2
    scores = json.loads((checkpoints / name / "scorecard.json").read_text())["metrics"]
    of_images = "mse" in scores
    assert len(app.get("imgs")) + len(app.get("image")) >= (2 if of_images else 1)
    first = scores["mse"] if of_images else scores["held_out_loss"]
    assert app.table[0].value.iloc[0, 0] == f"{first:.4g}"


def test_its_settings_can_be_used_for_a_new_run(checkpoints: Path) -> None:
    name = NAMES[0]
    config = json.loads((checkpoints / name / "config.json").read_text())
    app = visit("train", run=name)
    app.button(key="use-settings").click().run()
    assert not app.exception
    assert app.selectbox(key="variant").value == config["variant"]
    assert app.number_input(key="field_code_size").value == config["fields"]["code_size"]
    assert app.button(key="train").disabled, "its dataset is not here"


def test_a_damaged_one_is_named_and_the_others_are_offered(
    worker: ScriptedWorker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del worker
    for name in NAMES[:2]:
        shutil.copytree(CHECKPOINTS / name, tmp_path / "shelf" / name)
    weights = tmp_path / "shelf" / NAMES[0] / "weights.npz"
    weights.write_bytes(weights.read_bytes()[:-100])
    monkeypatch.setenv("AECORE_CHECKPOINTS", str(tmp_path / "shelf"))
    app = AppTest.from_file(APP, default_timeout=60).run()
    assert not app.exception
    (warning,) = app.warning
    assert f"The pretrained model {NAMES[0]} is not offered: weights.npz is not what was shipped." in warning.value
    links = [link.proto.label for link in app.get("page_link")]
    assert f"**{NAMES[0]}**" not in links
    assert f"**{NAMES[1]}**" in links
    opened = visit("train", run=NAMES[0])
    assert not opened.exception
    assert sum("is not offered" in error for error in errors(opened)) == 1
