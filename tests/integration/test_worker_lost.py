"""The worker, its scheduler, or both go away: in mid-run, or because there was nothing to do."""

import dataclasses
from functools import partial
from typing import Any

import pytest

from aecore.compute import cluster
from aecore.compute.cluster import DaskBackend
from aecore.schema import Speed
from aecore.service import Service
from aecore.settings import Settings
from tests.integration.live import ended, reaches, same_weights, scheduler_of, small, still_there, wait_for, worker_of

pytestmark = [pytest.mark.slow, pytest.mark.faults]
EPOCHS = 40
# Checkpoints come every two seconds; at this speed several are written before the run could end.
UNHURRIED = Speed(epochs_per_second=3)
IDLE_MINUTES = 0.6  # more than a worker takes to start, even on a busy machine


def checkpointed(service: Service, name: str) -> float:
    """Waits until a run has a checkpoint to fall back to, and some epochs beyond; returns its position."""

    def found() -> float:
        files = (service.settings.home / "runs" / name).glob("checkpoint-*.npz")
        return max((float(path.stem.rpartition("-")[2]) for path in files), default=0.0)

    return wait_for(found, f"{name} never wrote a checkpoint: {service.runs.run(name)}")


def runs(service: Service, name: str, attempt: int) -> bool:
    run = service.runs.run(name)
    return run.attempt == attempt and run.status == "running"


def goes_on_by_itself(service: Service, name: str, epoch: float) -> None:
    """Expects a run whose worker was lost to go on from its checkpoint, to the end, and a log without gaps."""
    wait_for(lambda: service.runs.run(name).attempt == 2, f"{name} did not go on")
    service.runs.set_speed(name, Speed())
    run = ended(service, name, "finished")
    assert (run.epochs_done, run.attempt) == (EPOCHS, 2)
    where = f"from epoch {epoch:.3g} (1 of at most 3 times)"
    assert run.message == f"Its worker was lost, and it went on by itself {where}."
    curve = service.runs.curve(name)
    assert [epoch.epoch for epoch in curve.epochs] == list(range(1, EPOCHS + 1))
    assert [position for position, _ in curve.ticks] == sorted(position for position, _ in curve.ticks)


def test_the_run_of_a_killed_worker_goes_on_and_so_does_the_one_that_waits(
    fragile_service: Service, fragile: DaskBackend
):
    service = fragile_service
    name = service.runs.train(small(epochs=EPOCHS), UNHURRIED)
    reaches(service, name, checkpointed(service, name) + 1)
    waiting = service.runs.train(small(epochs=EPOCHS))
    wait_for(lambda: service.runs.waiting_before(waiting) == 1, "The second run does not wait")
    worker_of(fragile).kill()
    goes_on_by_itself(service, name, checkpointed(service, name))
    ended(service, waiting, "finished")
    assert same_weights(service.runs.model_file(name), service.runs.model_file(waiting))


def test_a_run_that_is_lost_twice_at_one_place_does_not_go_on(fragile_service: Service, fragile: DaskBackend):
    """As where it takes more memory than there is: neither attempt comes to its first checkpoint."""
    service = fragile_service
    name = service.runs.train(small(epochs=EPOCHS), Speed(epochs_per_second=0.01))
    for attempt in (1, 2):
        wait_for(partial(runs, service, name, attempt), "It never ran")
        worker_of(fragile).kill()
    run = ended(service, name, "interrupted")
    assert run.attempt == 2
    assert run.message.startswith("The worker was lost: it was killed, or ran out of memory.")
    assert run.message.endswith("Resume starts it again from the beginning.")


def test_the_run_of_a_killed_scheduler_goes_on_with_another(fragile_service: Service, fragile: DaskBackend):
    service = fragile_service
    name = service.runs.train(small(epochs=EPOCHS), UNHURRIED)
    reaches(service, name, checkpointed(service, name) + 1)
    old_address = service.runs.worker().where
    worker = worker_of(fragile)
    scheduler_of(fragile).kill()

    goes_on_by_itself(service, name, checkpointed(service, name))
    assert service.runs.worker().where != old_address
    wait_for(lambda: not still_there([worker]), "The old cluster's worker was left running")


@pytest.mark.patient
def test_an_idle_worker_ends_and_the_next_run_starts_another(settings: Settings):
    backend = DaskBackend(dataclasses.replace(settings, idle_minutes=IDLE_MINUTES))
    service = Service(settings, backend)
    try:
        assert service.runs.worker().state == "off"
        first = service.runs.train(small())
        ended(service, first, "finished")
        worker = worker_of(backend)
        wait_for(lambda: service.runs.worker().state == "off", "The idle worker still shows as ready")
        wait_for(lambda: not still_there([worker]), "The idle worker stayed")
        second = service.runs.train(small())
        ended(service, second, "finished")
        assert same_weights(service.runs.model_file(first), service.runs.model_file(second))
    finally:
        service.close()


def test_a_worker_that_has_grown_is_replaced_before_the_next_run(
    fragile_service: Service, fragile: DaskBackend, monkeypatch: pytest.MonkeyPatch
):
    service = fragile_service
    first = service.runs.train(small())
    ended(service, first, "finished")
    before = worker_of(fragile)
    processing: Any = fragile.client().processing
    wait_for(lambda: not any(processing().values()), "The first run was not let go of")
    monkeypatch.setattr(cluster, "GROWTH", -(10**12))
    second = service.runs.train(small())
    ended(service, second, "finished")
    assert worker_of(fragile).pid != before.pid
    assert same_weights(service.runs.model_file(first), service.runs.model_file(second))
