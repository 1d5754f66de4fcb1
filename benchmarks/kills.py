"""Kills the command line at random moments of a training, resumes, and compares weights with those of a whole run."""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from aecore.settings import PROJECT
from aecore.store.repository import Repository
from benchmarks.classroom import row

TRAIN = [
    "train",
    "denoising",
    "--dataset",
    "digits",
    "--epochs",
    "300",
    "--set",
    "code_size=16",
    "--set",
    "dropout=0.2",
]


def rows(tries: int) -> Iterator[dict[str, Any]]:
    """Kills and resumes.

    Args:
        tries: how often.

    Yields:
        How many of those that were killed within the run ended in other weights, and how many epochs that a checkpoint
        held were trained again.
    """
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        _call(Path(folder) / "whole", *TRAIN).communicate()
        seconds = time.monotonic() - begun
        _, expected = _stored(Path(folder) / "whole")
        within = others = again = 0
        for k in range(tries):
            home = Path(folder) / str(k)
            process = _call(home, *TRAIN)
            time.sleep(rng.uniform(0.1, 0.95) * seconds)
            process.kill()
            process.communicate()
            name, epoch = _interrupted(home)
            if not name:
                continue
            within += 1
            output, _ = _call(home, "resume", name, "--json").communicate()
            events = [json.loads(line) for line in output.splitlines()]
            again += sum(event["epoch"] <= epoch for event in events if event["event"] == "epoch")
            _, weights = _stored(home)
            others += not all(np.array_equal(a, b) for a, b in zip(weights, expected, strict=True))
    yield row(f"{within} of {tries} killed within a run: other weights", others, 0)
    yield row("epochs of a checkpoint that were trained again", again, 0)


def _call(home: Path, *arguments: str) -> subprocess.Popen[str]:
    env = os.environ | {"AECORE_HOME": str(home)}
    command = [sys.executable, "-m", "aecore", *arguments]
    return subprocess.Popen(command, cwd=PROJECT, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _store(home: Path) -> Repository:
    return Repository(f"sqlite:///{home / 'aecore.db'}", home / "runs")


def _stored(home: Path) -> tuple[str, list[np.ndarray]]:
    """The version and the weights of a home's only run."""
    store = _store(home)
    try:
        (run,) = store.runs()
        assert run.status == "finished", run
        return store.weights(run.id)
    finally:
        store.close()


def _interrupted(home: Path) -> tuple[str, float]:
    """The run that was killed, and the epoch of its checkpoint; "" where it had not begun, or had ended."""
    if not (home / "aecore.db").exists():
        return "", 0.0
    store = _store(home)
    try:
        active = store.active_runs()
        return (active[0].id, store.checkpoint_epoch(active[0].id)) if active else ("", 0.0)
    finally:
        store.close()
