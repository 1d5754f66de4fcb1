"""A service of one workspace: nothing of another one is found by any of its methods."""

import inspect
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aecore.compute.backend import InProcess
from aecore.errors import BadInput
from aecore.messages.events import Finished, Progress
from aecore.messages.jobs import ENCODE
from aecore.schema import RunConfig, Speed
from aecore.service import EXPLORERS, Service
from aecore.settings import Limits, Settings
from tests.reports import report

MINE, OTHER = "m" * 32, "o" * 32
CONFIG = RunConfig.make("vanilla", "digits", None, {"epochs": 2})
SENTENCES = "\n".join(f"This is sentence number {k} of a text that nobody else may see." for k in range(30))
# What the methods are given beside the name of the run.
ARGUMENTS: dict[str, Any] = {
    "operation": ENCODE, "what": "language", "speed": Speed(), "learning_rate": 0.1, "more_epochs": 1, "count": 5,
    "codes": np.zeros((1, 2)), "positions": np.zeros(1, int), "space": np.zeros((3, 2)), "layer": "encoder_1",
    "images": np.zeros((1, 28, 28, 1)), "clean": np.zeros((1, 28, 28, 1)), "corrupted": np.zeros((1, 28, 28, 1)),
    "components": 2, "first": "one", "second": "two", "steps": 3, "pairs": [("one", "two")], "sentence": "one",
    "ids": np.zeros((1, 4), np.int32), "points": None, "line": None,
}  # fmt: skip


# What is given nothing that could be a name of somebody's, or finds nothing under it.
UNNAMED = {
    ("inputs", "baseline"): "the name of a denoiser",
    ("inputs", "line"): "the images that all share",
    ("latent", "metrics"): "points that were found before",
    ("novelty", "config"): "makes a configuration and reads nothing",
    ("novelty", "suits"): "a run that was found before",
    ("runs", "held_out_codes"): "those of pretrained models; None for all else",
    ("data", "download"): "the same data for all",
}


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Service]:
    yield from opened(tmp_path)


@pytest.fixture(scope="module")
def shared_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from opened(tmp_path_factory.mktemp("home"))


def opened(home: Path) -> Iterator[Service]:
    settings = Settings(home=home, checkpoints_dir=home / "none", keras_dir=home / "keras", public=True)
    service = Service(settings, InProcess())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AECORE_HOME", str(home))
        yield service
    service.close()


@pytest.fixture(scope="module")
def theirs(shared_root: Service) -> tuple[str, str]:
    """A run and a text of another workspace."""
    other = shared_root.of(OTHER)
    return stored(other), other.data.add_text("secret.txt", SENTENCES.encode())


def stored(service: Service) -> str:
    """A run of the service's workspace, as if it had been trained."""
    store = service.runs._store
    name = store.create(CONFIG)
    store.begin_attempt(name, CONFIG)
    report(store, name, 1, [Progress(1.0, 0.5, 1e4, 1e-3, "training"), Finished("stopped", {}, b"keras")])
    return name


def methods() -> list[tuple[str, str]]:
    """Public methods of the service's objects that are given the name of a run or of a dataset."""
    found = []
    for part in ("runs", "data", *EXPLORERS):
        kind = inspect.getmembers(_class_of(part), inspect.isfunction)
        for method, function in kind:
            named = [p for p in inspect.signature(function).parameters if p in ("name", "run", "dataset")]
            if not method.startswith("_") and named and (part, method) not in UNNAMED:
                found.append((part, method))
    return found


def _class_of(part: str) -> type:
    from aecore.explore import corpora, inputs, latent, novelty, replay, sentences, weights
    from aecore.runs import data, runs

    return {
        "runs": runs.Runs, "data": data.Data, "latent": latent.Latent, "weights": weights.Weights,
        "replay": replay.Replay, "inputs": inputs.Inputs, "novelty": novelty.Novelty,
        "sentences": sentences.Sentences, "corpora": corpora.Corpora,
    }[part]  # fmt: skip


def called(service: Service, part: str, method: str, name: str) -> Any:
    """Calls a method with a name, and with something that fits for all else that it needs."""
    function = getattr(getattr(service, part), method)
    given: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in ("name", "run", "dataset") and not given:
            given[parameter.name] = name
        elif parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            given[parameter.name] = ARGUMENTS.get(parameter.name)
    result = function(**given)
    return list(result) if inspect.isgenerator(result) else result


@pytest.mark.parametrize(("part", "method"), methods())
def test_no_method_finds_what_belongs_to_another_workspace(
    shared_root: Service, theirs: tuple[str, str], part: str, method: str
):
    mine = shared_root.of(MINE)
    run, text = theirs
    before = shared_root.runs.run(run)
    for name in theirs:
        if method in ("download_status", "status"):
            assert not called(mine, part, method, name).active
            continue
        with pytest.raises(BadInput, match="There is no"):
            called(mine, part, method, name)
    assert shared_root.runs.run(run) == before
    assert text in [status.name for status in shared_root.of(OTHER).data.datasets("sentences")]


def test_the_walk_goes_past_every_object_of_the_service():
    assert {part for part, _ in methods()} >= {"runs", "data", "latent", "weights", "replay", "inputs", "sentences"}
    assert len(methods()) > 40


def test_those_that_are_left_out_find_nothing_either(shared_root: Service, theirs: tuple[str, str]):
    mine, (run, text) = shared_root.of(MINE), theirs
    assert mine.runs.held_out_codes(run) is None
    mine.data.download(text)
    while mine.data.download_status(text).active:
        time.sleep(0.01)
    assert "There is no" in mine.data.download_status(text).error


def test_lists_hold_what_is_ones_own(root: Service):
    theirs, mine = root.of(OTHER), root.of(MINE)
    run = stored(theirs)
    theirs.data.add_text("secret.txt", SENTENCES.encode())
    assert mine.runs.all() == []
    assert [found.id for found in theirs.runs.all()] == [run]
    assert not any(status.name.startswith("text-") for status in mine.data.datasets("sentences"))
    assert mine.runs.usage().runs == 0
    assert mine.runs.expected_seconds(CONFIG) is None


@pytest.mark.parametrize("workspace", ["", "short", "../../etc/passwd", "a" * 65, "with blanks, and long enough"])
def test_a_workspace_has_a_name_that_is_no_path(root: Service, workspace: str):
    with pytest.raises(BadInput, match="This is no workspace"):
        root.of(workspace)


@pytest.mark.parametrize(
    ("limits", "config", "sentence"),
    [
        (Limits(parameters=1000), CONFIG, "here 1,000 are allowed: make its layers narrower"),
        (Limits(epochs=1), CONFIG, "here 1 are allowed: choose fewer"),
        (Limits(runs=1), CONFIG, "Here you may keep 1 runs: delete some"),
        (Limits(megabytes=0), CONFIG, "may take 0 MB here: delete some"),
        (Limits(hour_seconds=0), CONFIG, "have used their 0 s of the device for this hour: try again in a while"),
        (Limits(runs_at_once=0), CONFIG, "Here 0 of your runs may train at once: wait until one has ended"),
    ],
)
def test_each_limit_says_what_it_is_and_what_to_do(root: Service, limits: Limits, config: RunConfig, sentence: str):
    root.settings = replace(root.settings, limits=limits)
    mine = root.of(MINE)
    stored(mine)
    before = len(mine.runs.all())
    with pytest.raises(BadInput, match=sentence):
        mine.runs.train(config)
    assert len(mine.runs.all()) == before


def test_a_file_may_be_so_large_in_a_workspace(root: Service):
    root.settings = replace(root.settings, limits=Limits(upload_megabytes=1))
    with pytest.raises(BadInput, match=r"A file may have 1 MB here, and this one has 1\.5 MB"):
        root.of(MINE).data.add_text("long.txt", b"x" * 1_500_000)


@pytest.mark.slow
def test_a_run_that_has_used_its_time_is_paused_and_says_so(root: Service):
    root._follower._limits = Limits(run_seconds=0)
    mine = root.of(MINE)
    name = mine.runs.train(CONFIG.changed(epochs=500))
    while mine.runs.run(name).active or not mine.runs.run(name).message:
        root._follower._closing.wait(0.05)
    run = mine.runs.run(name)
    assert run.status == "paused"
    assert run.message.startswith("The run has used the 0 s of the device that a run may use here")
    assert run.position < 500
