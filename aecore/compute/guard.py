"""Ends a dask process as soon as the program that started it is gone, even if it was killed.

Preloaded into the local scheduler and the local nanny (whose worker dies with it), so that nothing is left
running behind a dashboard that crashed.
"""

import os
import threading

CHECK_SECONDS = 1.0
PARENT = "AECORE_PARENT"  # the program's number; it may be gone before a process is up that it started


def dask_setup(server) -> None:
    """Called by dask when the process starts; another parent means that the program has ended."""
    parent = int(os.environ.get(PARENT) or os.getppid())
    threading.Thread(target=_watch, args=(parent,), name="guard", daemon=True).start()


def _watch(parent: int) -> None:
    waiting = threading.Event()
    while os.getppid() == parent:
        waiting.wait(CHECK_SECONDS)
    os._exit(0)
