"""Questions about trained models, answered by the real worker: right, quick, and also while it trains."""

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from aecore.compute.cluster import DaskBackend
from aecore.errors import BadInput
from aecore.messages.jobs import DECODE, ENCODE, RECONSTRUCT, Operation
from aecore.schema import Speed
from aecore.service import Service
from aecore.settings import CHECKPOINTS, Settings
from tests.integration.live import ended, reaches, small, wait_for

SPARE = 0.15  # seconds


def images(count: int) -> np.ndarray:
    return np.random.default_rng(0).random((count, 28, 28, 1), dtype=np.float32)


def test_a_run_encodes_and_decodes_as_its_reconstruction_says(service: Service):
    name = service.runs.train(small())
    ended(service, name, "finished")
    whole = service.runs.infer(name, RECONSTRUCT, images=images(1203))
    codes = service.runs.infer(name, ENCODE, images=images(1203))["codes"]
    again = service.runs.infer(name, DECODE, codes=codes)["images"]
    assert codes.shape == (1203, 8)
    assert whole["codes"] == pytest.approx(codes, abs=1e-5)
    assert whole["images"] == pytest.approx(again, abs=1e-5)


def test_answers_come_while_the_client_refreshes_what_it_knows(service: Service, warm: DaskBackend):
    """Every two seconds it forgets the workers' names for a moment; here it does so all the time."""
    name = service.runs.train(small())
    ended(service, name, "finished")
    client, enough = warm.client(), threading.Event()

    def refresh() -> None:
        while not enough.is_set():
            client.sync(client._update_scheduler_info)

    refreshing = threading.Thread(target=refresh)
    refreshing.start()
    try:
        for _ in range(40):
            assert service.runs.infer(name, ENCODE, images=images(2))["codes"].shape == (2, 8)
    finally:
        enough.set()
        refreshing.join()


def test_answers_follow_the_training_and_do_not_wait_for_its_end(service: Service):
    name = service.runs.train(small(epochs=3000), Speed(epochs_per_second=20.0))
    reaches(service, name, 60)
    wait_for(lambda: service.runs.weights_version(name), "its first weights were never kept")
    before = service.runs.infer(name, ENCODE, images=images(4))["codes"]
    took = []
    for _ in range(15):
        begun = time.perf_counter()
        service.runs.infer(name, ENCODE, images=images(4))
        took.append(time.perf_counter() - begun)
    assert service.runs.run(name).active
    assert statistics.median(took) < SPARE
    reaches(service, name, service.runs.run(name).position + 60)
    after = service.runs.infer(name, ENCODE, images=images(4))["codes"]
    service.runs.stop(name)
    ended(service, name, "stopped")
    assert not np.allclose(before, after), "the newest weights answer"


def test_a_pretrained_model_answers(open_service: Callable[[Settings], Service], settings: Settings):
    service = open_service(replace(settings, checkpoints_dir=CHECKPOINTS))
    codes = service.runs._pretrained.bundle("stacked-2").held_out()["codes"].astype(np.float32)
    drawn = service.runs.infer("stacked-2", DECODE, codes=codes[:20])["images"]
    assert drawn.shape == (20, 28, 28, 1)
    assert 0.02 < drawn.mean() < 0.4, "digits are mostly black"
    back = service.runs.infer("stacked-2", ENCODE, images=drawn)["codes"]
    assert np.median(np.abs(back - codes[:20])) < np.abs(codes).std()


def test_what_cannot_be_asked_is_reported_in_one_sentence(service: Service):
    with pytest.raises(BadInput, match="There is no run 'nobody'"):
        service.runs.infer("nobody", ENCODE, images=images(1))
    name = service.runs.train(small())
    ended(service, name, "finished")
    with pytest.raises(BadInput, match="cannot be asked for 'dream'; it knows encode, decode"):
        service.runs.infer(name, Operation(cast(Any, "dream")), images=images(1))
