"""What a worker runs: one attempt at a run, from its data to its last event."""

import json
import logging
import os
from dataclasses import replace

import psutil

from aecore.datasets.for_run import data_of
from aecore.errors import AecoreError
from aecore.messages.channel import Channel
from aecore.messages.events import Command, Failed
from aecore.messages.jobs import Job
from aecore.schema import RunConfig
from aecore.settings import Settings
from aecore.training.memory import check_fits

log = logging.getLogger(__name__)


def train(job: Job, channel: Channel, memory_limit: int | None = None) -> None:
    """Trains; whatever goes wrong becomes a `Failed` event with one sentence.

    Args:
        job: what to train and from where.
        channel: where events go and commands come from.
        memory_limit: bytes that this process may hold, or None.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        config = RunConfig.from_json(job.config)
        data = data_of(config, replace(Settings.from_env(), workspace=job.workspace))
        check_fits(config, data, psutil.Process().memory_info().rss, memory_limit)
        from aecore.training.attempt import attempt  # TensorFlow starts here, after cheap errors
        from aecore.training.checkpoint import Stored

        stored = Stored(job.checkpoint) if job.checkpoint else None
        if job.learning_rate:
            channel.tell(Command(learning_rate=job.learning_rate))
        if job.command:
            channel.tell(job.command)
        attempt(config, data, channel, stored, job.until)
    except AecoreError as error:
        channel.emit(Failed(str(error)))
    except MemoryError:
        channel.emit(Failed(_NO_MEMORY))
    except Exception as error:
        log.exception("Training failed: %s", json.dumps(job.config))
        if type(error).__name__ == "ResourceExhaustedError":
            channel.emit(Failed(_NO_MEMORY))
        else:
            channel.emit(
                Failed(f"The training stopped with an unexpected error ({type(error).__name__}); see the log.")
            )


_NO_MEMORY = "The device ran out of memory: try a smaller batch size or narrower layers."
