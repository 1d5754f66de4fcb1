"""The program that shows the runs ends, asked or killed: nothing is left running, and no run is lost."""

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from aecore.service import Service
from aecore.settings import Settings
from tests.integration.live import ended, reaches, small, still_there, tree, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.faults]
EPOCHS = 60
PROJECT = Path(__file__).parents[2]
Start = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    """Starts servers and, whatever happens, leaves none of their processes behind."""
    started: list[subprocess.Popen[str]] = []
    families: list[psutil.Process] = []

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
        families += tree(server.pid) if server.poll() is None else []
        server.kill()
        server.communicate()
    for process in still_there(families):
        process.kill()


def watch_until_checkpoint(settings: Settings, name: str) -> None:
    """Looks at a run that another process trains, as a second tab or a terminal does."""
    watcher = Service(settings)
    try:
        wait_for(lambda: list((settings.home / "runs" / name).glob("checkpoint-*")), "No checkpoint was written")
        assert watcher.runs.run(name).status == "running"
        reaches(watcher, name, watcher.runs.run(name).position + 1)
    finally:
        watcher.close()


def find_family(server: subprocess.Popen[str]) -> list[psutil.Process]:
    """The server's dask processes: a scheduler, a nanny and the nanny's worker at the least."""
    family = tree(server.pid)
    assert len(family) >= 3
    return family


@pytest.mark.parametrize(
    ("arguments", "signum", "code"),
    [((), signal.SIGKILL, -signal.SIGKILL), ((), signal.SIGTERM, -signal.SIGTERM), (("close",), signal.SIGTERM, 0)],
    ids=["killed", "terminated", "closed"],
)
def test_nothing_is_left_running_and_the_run_resumes(
    start: Start,
    settings: Settings,
    open_service: Callable[[Settings], Service],
    arguments: tuple[str, ...],
    signum: signal.Signals,
    code: int,
):
    server, name = start(*arguments)
    watch_until_checkpoint(settings, name)
    family = find_family(server)
    server.send_signal(signum)
    assert server.wait(timeout=60) == code, (settings.home / "log.txt").read_text()
    wait_for(lambda: not still_there(family), f"Left running: {still_there(family)}")

    service = open_service(settings)
    run = service.runs.run(name)
    assert run.status == "interrupted"
    assert run.message.startswith("The program that trained this run ended. Resume goes on from epoch ")
    epochs = [epoch.epoch for epoch in service.runs.curve(name).epochs]
    assert epochs == list(range(1, len(epochs) + 1))
    assert service.runs.snapshot(name) is not None
    if signum != signal.SIGKILL:
        return
    service.runs.resume(name)
    ended(service, name, "finished")
    assert [epoch.epoch for epoch in service.runs.curve(name).epochs] == list(range(1, EPOCHS + 1))


def test_a_run_of_a_living_program_is_left_alone(service: Service, open_service: Callable[[Settings], Service]):
    name = service.runs.train(small())
    second = open_service(dataclasses.replace(service.settings))
    assert second.runs.run(name).active
    ended(service, name, "finished")
    assert second.runs.run(name).status == "finished"
