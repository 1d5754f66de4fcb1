"""The program that shows the runs ends, asked or killed: a run goes on, and nothing else is left running."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
from distributed import Client

from aecore.compute import local, worker
from aecore.messages.events import Command, Finished
from aecore.messages.jobs import job_key
from aecore.schema import Speed
from aecore.service import Service
from aecore.settings import Settings
from tests.integration.live import ended, reaches, small, still_there, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.faults]
EPOCHS = 60
PROJECT = Path(__file__).parents[2]
Start = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    """Starts servers and, whatever happens, leaves none of their processes behind."""
    started: list[subprocess.Popen[str]] = []

    def start_one(*arguments: str) -> tuple[subprocess.Popen[str], str]:
        environment = os.environ | {"AECORE_HOME": str(settings.home), "PYTHONPATH": str(PROJECT)}
        command = [sys.executable, str(Path(__file__).with_name("server.py")), str(EPOCHS), *arguments]
        with (settings.home / "log.txt").open("w") as log:
            server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        started.append(server)
        assert server.stdout is not None
        return server, server.stdout.readline().strip()

    yield start_one
    for server in started:
        server.kill()
        server.communicate()
    for process in still_there(workers_of(settings)):
        process.kill()


def watch_until_checkpoint(settings: Settings, name: str) -> float:
    """Looks at a run that another process trains, as a second tab or a terminal does; returns how far it was."""
    watcher = Service(settings)
    try:
        wait_for(lambda: list((settings.home / "runs" / name).glob("checkpoint-*")), "No checkpoint was written")
        assert watcher.runs.run(name).status == "running"
        return reaches(watcher, name, watcher.runs.run(name).position + 1).position
    finally:
        watcher.close()


def workers_of(settings: Settings) -> list[psutil.Process]:
    """The processes of a home's schedulers, with the worker's nanny in them, and the workers."""
    files = (settings.home / "tmp").glob(f"worker-*/{local.ADDRESS}")
    pids = [json.loads(file.read_text())["pid"] for file in files]
    found = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    return [*found, *(child for process in found for child in process.children(recursive=True))]


ENDS = pytest.mark.parametrize(
    ("arguments", "signum", "code"),
    [((), signal.SIGKILL, -signal.SIGKILL), ((), signal.SIGTERM, -signal.SIGTERM), (("close",), signal.SIGTERM, 0)],
    ids=["killed", "terminated", "closed"],
)


@ENDS
def test_a_run_goes_on_while_no_program_is_there_and_is_found_again(
    start: Start, settings: Settings, arguments: tuple[str, ...], signum: signal.Signals, code: int
):
    server, name = start(*arguments)
    before = watch_until_checkpoint(settings, name)
    family = workers_of(settings)
    server.send_signal(signum)
    assert server.wait(timeout=60) == code, (settings.home / "log.txt").read_text()

    service = Service(settings)
    try:
        run = service.runs.run(name)
        assert run.status == "running", run
        reaches(service, name, before + 5)
        service.runs.set_speed(name, Speed())
        run = ended(service, name, "finished")
        assert (run.attempt, run.message) == (1, "")
        assert [epoch.epoch for epoch in service.runs.curve(name).epochs] == list(range(1, EPOCHS + 1))
        assert service.runs.snapshot(name) is not None
        assert run.metrics
    finally:
        service.close()
    wait_for(lambda: not still_there(family), f"Left running: {still_there(family)}")


def test_a_run_that_ended_unseen_is_found_with_its_whole_curve(start: Start, settings: Settings):
    server, name = start()
    before = watch_until_checkpoint(settings, name)
    family = workers_of(settings)
    server.kill()
    server.wait()
    with Client(local.find(settings.home / "tmp"), set_as_default=False) as client:
        key = job_key(name, 1)
        client.run(worker.tell, key, Command(epochs_per_second=0))

        def has_ended() -> bool:
            (answer,) = cast(Any, client.run(worker.read_events, {key: 0})).values()
            return any(isinstance(event, Finished) for _, event in answer[key])

        wait_for(has_ended, "The run never ended")
    assert before < EPOCHS
    service = Service(settings)
    try:
        run = ended(service, name, "finished")
        assert (run.attempt, run.message) == (1, "")
        assert [epoch.epoch for epoch in service.runs.curve(name).epochs] == list(range(1, EPOCHS + 1))
    finally:
        service.close()
    wait_for(lambda: not still_there(family), f"Left running: {still_there(family)}")


def test_a_run_whose_worker_went_with_its_program_resumes(start: Start, settings: Settings):
    server, name = start()
    watch_until_checkpoint(settings, name)
    family = workers_of(settings)
    for process in (psutil.Process(server.pid), *family):
        process.kill()
    server.wait()
    wait_for(lambda: not still_there(family), f"Left running: {still_there(family)}")
    service = Service(settings)
    try:
        run = service.runs.run(name)
        assert run.status == "interrupted"
        assert run.message.startswith("The program that trained this run ended. Resume goes on from epoch ")
        epochs = [epoch.epoch for epoch in service.runs.curve(name).epochs]
        assert epochs == list(range(1, len(epochs) + 1))
        service.runs.resume(name)
        ended(service, name, "finished")
        assert [epoch.epoch for epoch in service.runs.curve(name).epochs] == list(range(1, EPOCHS + 1))
    finally:
        service.close()


@ENDS
def test_nothing_is_left_running_where_nothing_is_trained(
    start: Start, settings: Settings, arguments: tuple[str, ...], signum: signal.Signals, code: int
):
    server, _ = start("ended", *arguments)
    family = workers_of(settings)
    server.send_signal(signum)
    assert server.wait(timeout=60) == code, (settings.home / "log.txt").read_text()
    wait_for(lambda: not still_there(family), f"Left running: {still_there(family)}")


def test_a_run_of_a_living_program_is_left_alone(service: Service, open_service: Callable[[Settings], Service]):
    name = service.runs.train(small())
    second = open_service(dataclasses.replace(service.settings))
    assert second.runs.run(name).active
    ended(service, name, "finished")
    assert second.runs.run(name).status == "finished"
