"""Finds what a run is computed on and sets TensorFlow up for it, once a process."""

import contextlib
import functools
import os
import platform

import tensorflow as tf

from aecore.messages.events import Device


@functools.cache
def find_device() -> Device:
    """Sets threads and memory growth, and names the device that TensorFlow will use.

    A task runner often starts its workers with OMP_NUM_THREADS=1, so the threads are set explicitly. They
    can no longer be set once TensorFlow has started to compute, hence the cache; in a process that has used
    TensorFlow before, a notebook say, they stay as they are.
    """
    cores = _cores()
    host = platform.node() or "this host"
    gpus = tf.config.list_physical_devices("GPU")
    with contextlib.suppress(RuntimeError):  # TensorFlow has started already
        tf.config.threading.set_intra_op_parallelism_threads(cores)
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return Device("gpu", details.get("device_name", gpus[0].name), host)
    return Device("cpu", f"CPU, {cores} core{'s' if cores != 1 else ''}", host)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
