"""Prepares the local scheduler and the local nanny, into which it is preloaded.

Either ends as soon as the program that started it is gone, even if that was killed (and the worker with its nanny), so
that nothing is left running behind a dashboard that crashed. The nanny forks its workers from a process that has loaded
TensorFlow already, and not used it: another worker is there in half a second and not in five.
"""

import os
import threading

from distributed.utils import get_mp_context

CHECK_SECONDS = 1.0
PARENT = "AECORE_PARENT"  # the program's number; it may be gone before a process is up that it started


LOADED = ("aecore.training.attempt", "aecore.training.model_cache")


def dask_setup(server) -> None:
    """Called by dask when the process starts; another parent means that the program has ended."""
    if type(server).__name__ == "Nanny":
        context = get_mp_context()
        if context.get_start_method() == "forkserver":
            context.set_forkserver_preload(["distributed", *LOADED])
    parent = int(os.environ.get(PARENT) or os.getppid())
    threading.Thread(target=_watch, args=(parent,), name="guard", daemon=True).start()


def _watch(parent: int) -> None:
    waiting = threading.Event()
    while os.getppid() == parent:
        waiting.wait(CHECK_SECONDS)
    os._exit(0)
