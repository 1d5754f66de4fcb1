"""Which process trains a run, and whether it is still there."""

import os
import platform

import psutil


def this_process() -> str:
    """Names this process: host, number, and when it started, since numbers are used again."""
    return f"{platform.node()}|{os.getpid()}|{psutil.Process().create_time():.0f}"


def is_gone(owner: str) -> bool:
    """Whether the process that trained a run is known to have ended; other hosts' are not known."""
    host, pid, started = owner.split("|") if owner.count("|") == 2 else (platform.node(), "0", "0")
    if host != platform.node():
        return False
    try:
        return abs(psutil.Process(int(pid)).create_time() - float(started)) > 1.5
    except psutil.NoSuchProcess:
        return True
