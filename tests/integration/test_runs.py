"""Runs on a real worker: from the start to the scorecard, and everything they can be told on the way."""

import time

import numpy as np
import pytest

from aecore.errors import BadInput
from aecore.schema import Speed
from aecore.service import Service
from tests.integration.live import ended, reaches, same_weights, small, wait_for

SCORECARD = {
    "mse", "sse_per_image", "psnr", "ssim", "bce", "knn5_accuracy", "probe_accuracy", "trustworthiness",
    "mean_activation", "dead_units", "pca_mse", "pca_sse_per_image", "pca_knn5_accuracy",
}  # fmt: skip
# Slow enough that a command finds the run in its first epochs, whatever else the machine has to do.
UNHURRIED = Speed(epochs_per_second=4)
SECONDS_A_STEP = 60.0  # more than compiling takes on a busy machine, which counts
SLOW_MOTION = Speed(steps_per_second=1 / SECONDS_A_STEP)


def test_a_run_leaves_its_curve_pictures_scores_and_model(service: Service):
    assert service.runs.worker().state in ("off", "ready")
    name = service.runs.train(small())
    assert service.runs.run(name).active

    run = ended(service, name, "finished")
    assert (run.epochs_done, run.total_epochs, run.message) == (3, 3, "")
    assert run.device is not None
    assert run.device.name
    assert run.parameters == run.config.hyper.parameters((28, 28, 1))
    assert run.baseline_loss
    assert run.metrics.keys() >= SCORECARD
    assert run.metrics["pca_mse"] < 0.1

    curve = service.runs.curve(name)
    assert [epoch.epoch for epoch in curve.epochs] == [1, 2, 3]
    assert curve.epochs[-1].loss < curve.epochs[0].loss
    assert curve.epochs[-1].val_loss == pytest.approx(run.metrics["mse"], rel=1e-3)
    assert curve.ticks[-1][0] == pytest.approx(3)

    picture = service.runs.snapshot(name)
    assert picture is not None
    assert picture.position == 3
    assert picture.arrays["clean"].shape == picture.arrays["outputs"].shape == (10, 28, 28)
    assert np.ptp(picture.arrays["outputs"]) > 0
    assert same_weights(service.runs.model_file(name), service.runs.model_file(name))
    assert service.runs.worker().device == run.device
    assert service.runs.all()[0].id == name


def test_paused_stepped_and_resumed_it_ends_in_the_weights_of_an_uninterrupted_run(service: Service):
    config = small(epochs=8, seed=3, noise="gaussian", schedule="cosine")
    name = service.runs.train(config, UNHURRIED)
    reaches(service, name, 1.2)
    service.runs.pause(name)
    paused = ended(service, name, "paused")
    assert 1 < paused.position < 8
    assert not paused.metrics
    assert service.runs.model_file(name)

    service.runs.step(name)
    stepped = ended(service, name, "paused")
    assert stepped.position == paused.epochs_done + 1

    service.runs.resume(name)
    with pytest.raises(BadInput, match="already being trained"):
        service.runs.resume(name)
    resumed = ended(service, name, "finished")

    other = service.runs.train(config)
    uninterrupted = ended(service, other, "finished")
    assert same_weights(service.runs.model_file(name), service.runs.model_file(other))
    assert resumed.metrics == uninterrupted.metrics
    one, two = service.runs.curve(name).epochs, service.runs.curve(other).epochs
    assert [epoch.epoch for epoch in one] == list(range(1, 9))
    assert [epoch.loss for epoch in one] == pytest.approx([epoch.loss for epoch in two], rel=1e-5)
    assert [epoch.val_loss for epoch in one] == [epoch.val_loss for epoch in two]


def test_a_finished_run_trains_further(service: Service):
    name = service.runs.train(small(epochs=2))
    first = ended(service, name, "finished")
    with pytest.raises(BadInput, match="say how many more"):
        service.runs.resume(name)
    service.runs.resume(name, more_epochs=3)
    run = ended(service, name, "finished")
    assert (run.epochs_done, run.total_epochs, run.attempt) == (5, 5, 2)
    assert [epoch.epoch for epoch in service.runs.curve(name).epochs] == [1, 2, 3, 4, 5]
    assert run.metrics["mse"] < first.metrics["mse"]

    other = service.runs.train(small(epochs=5))
    ended(service, other, "finished")
    assert same_weights(service.runs.model_file(name), service.runs.model_file(other))


def test_the_learning_rate_changes_while_it_trains_and_while_it_is_paused(service: Service):
    name = service.runs.train(small(epochs=10_000, learning_rate=1e-3), UNHURRIED)
    reaches(service, name, 1)
    service.runs.set_learning_rate(name, 5e-3)
    wait_for(lambda: service.runs.run(name).learning_rate == pytest.approx(5e-3), "The new learning rate never came")
    changed = service.runs.run(name).epochs_done
    reaches(service, name, changed + 2)
    service.runs.pause(name)
    paused = ended(service, name, "paused")
    service.runs.set_learning_rate(name, 2e-4)
    with pytest.raises(BadInput, match="learning_rate"):
        service.runs.set_learning_rate(name, 1e6)

    service.runs.step(name)
    ended(service, name, "paused")
    rates = {epoch.epoch: epoch.learning_rate for epoch in service.runs.curve(name).epochs}
    assert rates[1] == pytest.approx(1e-3)
    assert rates[changed + 2] == pytest.approx(5e-3)
    assert rates[paused.epochs_done + 1] == pytest.approx(2e-4)
    assert service.runs.run(name).config.hyper.learning_rate == 1e-3


def test_stop_measures_a_run_that_trains_and_one_that_is_paused(service: Service):
    name = service.runs.train(small(epochs=10_000), UNHURRIED)
    reaches(service, name, 1)
    service.runs.stop(name)
    run = ended(service, name, "stopped")
    assert run.metrics.keys() >= SCORECARD
    assert 1 <= run.position < 10_000
    with pytest.raises(BadInput, match=r"it is stopped"):
        service.runs.stop(name)

    service.runs.step(name)
    ended(service, name, "paused")
    service.runs.stop(name)
    again = ended(service, name, "stopped")
    assert again.position == run.epochs_done + 1
    assert again.metrics["mse"] != run.metrics["mse"]


def test_slow_motion_hears_a_command_before_its_step_is_over(service: Service):
    name = service.runs.train(small(epochs=50), SLOW_MOTION)
    position = reaches(service, name, 0.01).position
    begun = time.monotonic()
    service.runs.pause(name)
    assert ended(service, name, "paused").position == position
    assert time.monotonic() - begun < SECONDS_A_STEP / 2

    service.runs.step(name, SLOW_MOTION)
    wait_for(lambda: service.runs.run(name).position > position, "It never took another step")
    begun = time.monotonic()
    service.runs.set_speed(name, Speed())
    assert ended(service, name, "paused").position == 1
    assert time.monotonic() - begun < SECONDS_A_STEP / 2


def test_runs_of_one_worker_advance_together_and_end_as_they_would_alone(service: Service):
    alone = service.runs.train(small(epochs=30, seed=1))
    ended(service, alone, "finished")
    configs = [small(epochs=30, seed=1), small(epochs=30, seed=2), small(epochs=30, code_size=9)]
    slow = service.runs.train(small(epochs=10_000), UNHURRIED)
    names = [service.runs.train(config) for config in configs]
    for name in names:
        ended(service, name, "finished")
    assert service.runs.run(slow).status == "running", "a run that waits for its speed limit keeps nobody waiting"
    service.runs.stop(slow)
    ended(service, slow, "stopped")
    assert same_weights(service.runs.model_file(names[0]), service.runs.model_file(alone))
    assert not same_weights(service.runs.model_file(names[1]), service.runs.model_file(alone))


def test_where_a_worker_has_one_place_a_second_run_waits_and_says_so(fragile_service: Service):
    service = fragile_service
    first = service.runs.train(small(epochs=10_000), UNHURRIED)
    reaches(service, first, 0.5)
    second = service.runs.train(small())
    third = service.runs.train(small())
    wait_for(lambda: service.runs.waiting_before(third) == 2, f"{third} never said that it waits")
    assert service.runs.waiting_before(first) == 0
    position = service.runs.run(first).position
    reaches(service, first, position + 1)
    assert [service.runs.run(name).status for name in (first, second, third)] == ["running", "queued", "queued"]
    assert [service.runs.waiting_before(name) for name in (first, second, third)] == [0, 1, 2]

    service.runs.stop(first)
    ended(service, first, "stopped")
    ended(service, second, "finished")
    assert service.runs.waiting_before(third) <= 1
    ended(service, third, "finished")
