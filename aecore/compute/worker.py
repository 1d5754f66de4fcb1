"""What is called inside a worker process: run a job, hand over its events, pass commands on, answer questions."""

import contextlib
import ctypes
import functools
import gc
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import psutil

from aecore.messages.channel import Channel
from aecore.messages.events import Command, Device, Report
from aecore.messages.jobs import InferenceRequest, InferenceResult, Job, Memory
from aecore.settings import Settings

if TYPE_CHECKING:
    from aecore.training.model_cache import ModelCache

_channels: dict[str, Channel] = {}
_lock = threading.Lock()
_loading = threading.Lock()
_settled: dict[str, int] = {}


def run_job(job: Job) -> None:
    """Trains to the end of the attempt. Its events wait in the channel until they are acknowledged."""
    settings = Settings.from_env()
    channel = Channel(settings.reader_minutes * 60)
    with _lock:
        for key in [key for key in _channels if key.rpartition("#")[0] == job.run]:
            _channels.pop(key).close()
        _channels[job.key] = channel
    warm_up()
    from aecore.training.task import train

    train(job, channel, memory_limit())
    _settled.setdefault("resident", psutil.Process().memory_info().rss)
    if _in_dask():
        from distributed import secede

        secede()  # another run has its place while the last events wait for their reader
        channel.wait_until_read(settings.kept_hours * 3600)


def read_events(acknowledged: Mapping[str, int]) -> dict[str, list[Report]]:
    """The events of those of the jobs that are on this worker; see `aecore.messages.channel.Channel.read`.

    Args:
        acknowledged: for each job the number of its last event that was stored.
    """
    return {key: _channels[key].read(number) for key, number in acknowledged.items() if key in _channels}


def tell(key: str, command: Command) -> bool:
    """Passes a command on; returns whether the job is here."""
    channel = _channels.get(key)
    if channel is None:
        return False
    channel.tell(command)
    return True


def forget(key: str) -> None:
    """Drops the channel of a job whose last event was taken."""
    with _lock:
        channel = _channels.pop(key, None)
    if channel is not None:
        channel.close()


def memory_limit() -> int | None:
    """Bytes at which the nanny ends this process, or None outside of one."""
    from distributed import get_worker

    return get_worker().memory_manager.memory_limit if _in_dask() else None


def _in_dask() -> bool:
    """Whether a task of dask is computed here."""
    from distributed import get_worker

    try:
        get_worker()
    except ValueError:
        return False
    return True


def going_on(keys: Sequence[str], dask_scheduler: Any) -> list[str]:
    """Those of the jobs that a scheduler still has; called on it."""
    tasks = dask_scheduler.tasks
    return [key for key in keys if key in tasks and tasks[key].state not in ("erred", "released", "forgotten")]


def memory() -> Memory:
    """What this process holds, and what it held after its first run."""
    resident = psutil.Process().memory_info().rss
    return Memory(resident, _settled.get("resident", resident))


def tidy() -> None:
    """Gives memory back that nothing uses any more; glibc would keep it for later."""
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library has none
            ctypes.CDLL("libc.so.6").malloc_trim(0)


def infer(request: InferenceRequest) -> InferenceResult | None:
    """Answers a request about a trained model; None where its weights must be sent along."""
    warm_up()
    return _model_cache().infer(request)


@functools.cache
def _model_cache() -> "ModelCache":
    from aecore.training.model_cache import ModelCache

    return ModelCache()


def warm_up() -> Device:
    """Loads TensorFlow and names the device."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _loading:  # two threads that import TensorFlow at once trip over each other
        from aecore.training.device import find_device

        return find_device()
