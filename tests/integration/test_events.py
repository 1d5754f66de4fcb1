"""Answers that never arrive, and commands from another program: nothing is lost, and nothing stored twice."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from aecore.compute import worker
from aecore.compute.cluster import DaskBackend
from aecore.schema import Speed
from aecore.service import Service
from aecore.settings import Settings
from tests.integration.live import ended, reaches, small, wait_for

EPOCHS = 30


@pytest.mark.parametrize("lost", ["one in five", "the first", "all but every fifth"])
def test_lost_answers_leave_no_hole_in_the_curve(
    service: Service, warm: DaskBackend, monkeypatch: pytest.MonkeyPatch, lost: str
):
    client, count, dropped = warm.client(), 0, 0
    call = client.run

    def lossy(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        nonlocal count, dropped
        answer = call(function, *arguments, **options)
        if function is worker.read_events:
            count += 1
            if {"one in five": count % 5 == 0, "the first": count < 4, "all but every fifth": count % 5 != 0}[lost]:
                dropped += 1
                raise OSError("the answer was lost on its way")
        return answer

    monkeypatch.setattr(client, "run", lossy)
    name = service.runs.train(small(epochs=EPOCHS), Speed(epochs_per_second=2.0))
    wait_for(lambda: dropped > 1, "no answer was lost")
    service.runs.set_speed(name, Speed())
    run = ended(service, name, "finished")
    assert run.attempt == 1
    assert run.message == ""
    assert [epoch.epoch for epoch in service.runs.curve(name).epochs] == list(range(1, EPOCHS + 1))
    assert run.metrics


def test_a_run_is_watched_slowed_and_paused_by_another_program(
    service: Service, open_service: Callable[[Settings], Service], settings: Settings
):
    name = service.runs.train(small(epochs=3000), Speed(epochs_per_second=5.0))
    reaches(service, name, 1)
    other = open_service(settings)
    assert other.runs.run(name).active, "the program that trains it is alive"
    other.runs.set_speed(name, Speed(epochs_per_second=50.0))
    reaches(other, name, other.runs.run(name).position + 40)
    other.runs.pause(name)
    ended(other, name, "paused")
    assert service.runs.run(name).status == "paused"
    assert len(service.runs.curve(name).epochs) == int(service.runs.run(name).position)


def test_two_programs_that_press_resume_start_one_attempt(
    service: Service, open_service: Callable[[Settings], Service], settings: Settings
):
    name = service.runs.train(small(epochs=3000))
    reaches(service, name, 1)
    service.runs.pause(name)
    ended(service, name, "paused")
    others = [open_service(settings) for _ in range(2)]
    refused: list[str] = []

    def press(program: Service) -> None:
        try:
            program.runs.resume(name)
        except Exception as error:
            refused.append(str(error))

    presses = [threading.Thread(target=press, args=(program,)) for program in others]
    for thread in presses:
        thread.start()
    for thread in presses:
        thread.join()
    assert refused == [f"The run {name} is already being trained."]
    assert service.runs.run(name).attempt == 2
    others[0].runs.stop(name)
    ended(service, name, "stopped")
