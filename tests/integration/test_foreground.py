"""A training in the foreground whose watcher goes away, or whose figures stop being numbers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aecore.compute.backend import InProcess
from aecore.messages.events import EpochDone, Failed
from aecore.schema import RunConfig
from aecore.service import Service
from aecore.settings import Settings

EPOCHS = 200
SMALL = {"code_size": 4, "batch_size": 2048, "epochs": EPOCHS}
# One step an epoch, so that the held-out images are the first to meet weights that are no longer numbers.
TOO_FAST = {"optimizer": "sgd", "learning_rate": 10, "hidden": "64,64"} | {
    f"{place}activation": "linear" for place in ("", "code_", "output_")
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(Settings(home=tmp_path, database_url=f"sqlite:///{tmp_path / 'aecore.db'}"), InProcess())
    yield service
    service.close()


def test_a_training_that_nobody_watches_any_more_ends_resumable(service: Service):
    watching: Any = service.runs.watch(RunConfig.make("vanilla", "digits", None, SMALL))
    name = next(run for run, event in watching if isinstance(event, EpochDone))
    watching.close()
    run = service.runs.run(name)
    assert not run.active, "nobody could resume it"
    assert run.status in ("paused", "interrupted")
    assert run.epochs_done < EPOCHS


def test_weights_that_diverge_in_the_last_step_of_an_epoch_are_reported(service: Service):
    reported = list(service.runs.watch(RunConfig.make("vanilla", "digits", None, {**SMALL, **TOO_FAST})))
    name, last = reported[-1]
    assert isinstance(last, Failed)
    assert last.message.startswith("The loss stopped being a number in epoch ")
    assert "Try a learning rate below 10" in last.message
    assert service.runs.run(name).status == "failed"
    epochs = [event for _, event in reported if isinstance(event, EpochDone)]
    assert np.isfinite([event.loss for event in epochs]).all()
    json.dumps([vars(event) for event in epochs], allow_nan=False)  # other languages know no NaN
