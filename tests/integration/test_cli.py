"""The command line as a benchmark or a script calls it; in processes of its own where that matters."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aecore.cli.main import main
from aecore.service import Service
from aecore.settings import Settings
from tests.integration.live import same_weights

pytestmark = pytest.mark.slow
Call = Callable[..., list[Any]]
PROJECT = Path(__file__).parents[2]
EPOCH_KEYS = {"event", "epoch", "loss", "val_loss", "seconds", "samples_per_second"}
FINISHED_KEYS = {"event", "run", "status", "epochs", "seconds", "parameters", "metrics"}
METRICS = {
    "mse", "sse_per_image", "psnr", "ssim", "bce", "knn5_accuracy", "probe_accuracy", "trustworthiness",
    "mean_activation", "dead_units", "pca_mse", "pca_sse_per_image", "pca_knn5_accuracy",
}  # fmt: skip


def environment(settings: Settings) -> dict[str, str]:
    return os.environ | {"AECORE_HOME": str(settings.home), "PYTHONPATH": str(PROJECT)}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "aecore", *arguments]


def objects(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def call(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command in this process to its good end and returns the objects that it printed."""
    monkeypatch.setenv("AECORE_HOME", str(settings.home))

    def run(*arguments: str) -> list[Any]:
        capsys.readouterr()
        code = main(list(arguments))
        printed = capsys.readouterr()
        assert code == 0, printed.err
        return objects(printed.out)

    return run


def call_alone(settings: Settings, *arguments: str) -> list[Any]:
    """The same in a process of its own."""
    done = subprocess.run(
        command(*arguments), env=environment(settings), capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return objects(done.stdout)


def expect_training(printed: list[Any], epochs: list[int]) -> dict[str, Any]:
    """Expects an object for each of these epochs and then the finished one, which is returned."""
    *lines, finished = printed
    assert [line["epoch"] for line in lines] == epochs
    for line in lines:
        assert line.keys() >= EPOCH_KEYS
        assert line["event"] == "epoch"
        assert line["loss"] > 0
        assert line["samples_per_second"] > 0
    assert finished.keys() >= FINISHED_KEYS
    assert (finished["event"], finished["status"], finished["epochs"]) == ("finished", "finished", epochs[-1])
    assert finished["metrics"].keys() >= METRICS
    assert finished["seconds"] > 0
    return finished


def test_train_and_resume_print_one_object_a_line(call: Call):
    trained = expect_training(call("train", "vanilla", "--preset", "quick", "--epochs", "3", "--json"), [1, 2, 3])
    resumed = expect_training(call("resume", trained["run"], "--epochs", "2", "--json"), [4, 5])
    assert resumed["run"] == trained["run"]
    assert resumed["metrics"]["mse"] < trained["metrics"]["mse"]
    (row,) = [row for row in call("runs", "--json")[0] if row["status"] != "pretrained"]
    assert (row["run"], row["status"], row["total_epochs"]) == (trained["run"], "finished", 5)


@pytest.mark.faults
def test_an_interrupt_pauses_and_resume_goes_on(settings: Settings):
    arguments = ("train", "vanilla", "--preset", "quick", "--epochs", "10000", "--json")
    training = subprocess.Popen(
        command(*arguments), env=environment(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert training.stdout is not None
    first = training.stdout.readline()
    training.send_signal(signal.SIGINT)
    rest, errors = training.communicate(timeout=60)
    assert training.returncode == 130, errors
    *epochs, last = [json.loads(line) for line in (first + rest).splitlines()]
    assert last["status"] == "paused"
    assert [line["epoch"] for line in epochs] == list(range(1, last["epochs"] + 1))
    assert f"python -m aecore resume {last['run']}" in errors
    assert "Traceback" not in errors

    going_on = subprocess.Popen(
        command("resume", last["run"], "--json"), env=environment(settings), stdout=subprocess.PIPE, text=True
    )
    assert going_on.stdout is not None
    assert json.loads(going_on.stdout.readline())["epoch"] == last["epochs"] + 1
    going_on.send_signal(signal.SIGINT)
    going_on.communicate(timeout=60)
    assert going_on.returncode == 130


@pytest.fixture
def scheduler(settings: Settings) -> Iterator[str]:
    """The address of a scheduler with one worker, both started by hand, as on another host."""
    started: list[subprocess.Popen[str]] = []

    def first_line(*arguments: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "aecore", *arguments, "--json"]
        started.append(subprocess.Popen(command, env=environment(settings), stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout is not None
        return json.loads(started[-1].stdout.readline())

    try:
        address = first_line("scheduler", "--address", "tcp://127.0.0.1:0")["address"]
        worker = first_line("worker", "--scheduler", address)
        assert worker["event"] == "ready"
        assert "CPU" in worker["device"]
        yield address
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)


def test_a_scheduler_elsewhere_gives_the_weights_of_this_process(call: Call, settings: Settings, scheduler: str):
    arguments = ("train", "vanilla", "--preset", "quick", "--epochs", "3", "--seed", "5", "--json")
    there = expect_training(call_alone(settings, *arguments, "--scheduler", scheduler), [1, 2, 3])
    here = expect_training(call(*arguments), [1, 2, 3])
    service = Service(settings)
    try:
        assert same_weights(service.runs.model_file(there["run"]), service.runs.model_file(here["run"]))
        assert service.runs.run(there["run"]).device is not None
    finally:
        service.close()


def test_a_folder_is_evaluated_on_another_dataset(call: Call):
    (reported,) = call("evaluate", str(PROJECT / "checkpoints" / "stacked-30"), "--dataset", "digits", "--json")
    assert (reported["model"], reported["variant"], reported["dataset"]) == ("stacked-30", "stacked", "digits")
    assert reported["metrics"].keys() >= METRICS
    assert reported["metrics"]["knn5_accuracy"] > 0.8, "its codes suit digits that it has never seen"


def test_a_variational_run_is_evaluated_with_its_likelihood(call: Call):
    few = ["--preset", "quick", "--epochs", "2", "--json"]
    finished = expect_training(call("train", "variational", *few), [1, 2])
    (reported,) = call("evaluate", finished["run"], "--json")
    assert {"elbo", "kl", "iwae500"} <= reported["metrics"].keys()
    assert reported["metrics"]["iwae500"] >= reported["metrics"]["elbo"]
    assert reported["metrics"] == pytest.approx(finished["metrics"], rel=1e-3)
