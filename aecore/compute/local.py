"""A scheduler and a worker on this machine, in processes of their own: `python -m aecore.compute.local`.

They outlive the program that started them while a run goes on, or while nobody has heard how it ended, so that a
dashboard can be restarted under a run. With no program connected and nothing left to tell they end by themselves.

The worker is forked from a process that has loaded TensorFlow already, and not used it: another worker is there in half
a second and not in five.
"""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from dask import config as dask_config

from aecore.compute import worker
from aecore.files import written_whole
from aecore.settings import PROJECT

START_SECONDS = 60
CONNECT_SECONDS = 15  # in which the program that started it has connected, or never will
POLL_SECONDS = 0.05
LOOK_SECONDS = 0.5
LOADED = ("distributed", "aecore.training.attempt", "aecore.training.model_cache")
ADDRESS, LOG = "address.json", "log.txt"
ENVIRONMENT = {  # what dask and the C library read when they start
    # A call to a worker that has just died should fail at once: on one machine nothing takes seconds to connect.
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s",
    "MALLOC_ARENA_MAX": "2",  # a worker has a thread for each run, and would keep memory for each of them
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",  # it looks at each thread a hundred times a second
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "500ms",  # 20 by default, which costs an idle worker 1% of a core each
    "DASK_DISTRIBUTED__WORKER__MEMORY__MONITOR_INTERVAL": "500ms",
    "DASK_LOGGING__DISTRIBUTED": "warning",  # else a line for each look at the events
    "DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "forkserver" if sys.platform == "linux" else "spawn",
}


started: dict[str, subprocess.Popen[bytes]] = {}  # by this program: those that live, by their scheduler's address


@dataclass(frozen=True)
class Options:
    """How a local worker is started.

    Attributes:
        folder: its own, for its address, its log and what it writes.
        runs_at_once: runs that it trains in turns.
        memory: limit of the worker, in dask's notation.
        idle_minutes: minutes without work after which it ends; so long it also trains on with nobody reading.
    """

    folder: str
    runs_at_once: int
    memory: str
    idle_minutes: float


def find(root: Path) -> str | None:
    """Address of a local scheduler that still runs under a folder; what others left there is cleared away."""
    for folder in sorted(root.glob("worker-*")):
        try:
            found = json.loads((folder / ADDRESS).read_bytes())
            process = psutil.Process(found["pid"])
            if process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - found["started"]) < 1:
                return str(found["address"])
        except (OSError, ValueError, KeyError, TypeError, psutil.Error):
            if _is_starting(folder):
                continue
        shutil.rmtree(folder, ignore_errors=True)
    return None


def start(root: Path, runs_at_once: int, memory: str, idle_minutes: float) -> str:
    """Starts a scheduler with a worker, and returns its address.

    Args:
        root: under which it has its folder.
        runs_at_once, memory, idle_minutes: see `Options`.

    Raises:
        OSError: it could not be started.
        TimeoutError: it has not come in time.
    """
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="worker-", dir=root))
    options = Options(str(folder), runs_at_once, memory, idle_minutes)
    threads = str(os.cpu_count() or 1)
    env = {**ENVIRONMENT, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    env |= os.environ | {"PYTHONPATH": _python_path()}
    with (folder / LOG).open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, json.dumps(asdict(options))],
            env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,  # what is pressed in the terminal is for the dashboard
        )  # fmt: skip
    end = time.monotonic() + START_SECONDS
    while not (folder / ADDRESS).exists():
        if process.poll() is not None:
            raise OSError(f"the worker did not start; see {folder / LOG}")
        if time.monotonic() > end:
            process.kill()
            raise TimeoutError(f"the worker has not started within {START_SECONDS} s; see {folder / LOG}")
        time.sleep(POLL_SECONDS)
    address = str(json.loads((folder / ADDRESS).read_bytes())["address"])
    for ended in [other for other, old in started.items() if old.poll() is not None]:
        del started[ended]
    started[address] = process
    return address


def wait_until_ended(address: str, seconds: float) -> None:
    """Waits for one that ends since nobody is connected any more, if this program has started it."""
    process = started.get(address)
    if process is not None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            del started[address]


def _python_path() -> str:
    """The worker must find aecore, wherever it was started."""
    path, project = os.environ.get("PYTHONPATH", ""), str(PROJECT)
    return path if project in path.split(os.pathsep) else os.pathsep.join(filter(None, [project, path]))


def _is_starting(folder: Path) -> bool:
    """Whether a folder is so young that its process may not have written its address yet."""
    with contextlib.suppress(OSError):
        return not (folder / ADDRESS).exists() and time.time() - folder.stat().st_mtime < START_SECONDS
    return False


# Inside the process


async def serve(options: Options) -> None:
    """Runs the scheduler and the worker's nanny until nobody needs them."""
    from distributed import Scheduler

    prepare_forks()
    idle: Any = f"{options.idle_minutes}m"
    env = {
        "TMPDIR": options.folder,  # of the worker only: where its forks are asked for, a path must be short
        "AECORE_READER_MINUTES": str(options.idle_minutes),
        "AECORE_KEPT_HOURS": str(options.idle_minutes / 60),
    }
    async with (
        Scheduler(host="127.0.0.1", dashboard=False, allowed_failures=0, idle_timeout=idle) as scheduler,
        nanny(scheduler.address, options.runs_at_once, options.memory, options.folder, env),
    ):
        me = psutil.Process()
        address = {"address": scheduler.address, "pid": me.pid, "started": me.create_time()}
        with written_whole(Path(options.folder) / ADDRESS) as file:
            file.write_text(json.dumps(address))
        begun, seen = time.monotonic(), False
        while scheduler.status.name == "running":
            here = any(name != "fire-and-forget" for name in scheduler.clients)
            seen = seen or here or time.monotonic() - begun > CONNECT_SECONDS
            if seen and not here and not scheduler.tasks:
                break
            await asyncio.sleep(LOOK_SECONDS)
        (Path(options.folder) / ADDRESS).unlink(missing_ok=True)  # nobody should come any more


def prepare_forks() -> None:
    """Has workers that are started here forked from a process that has loaded TensorFlow, where that is possible."""
    from distributed.utils import get_mp_context

    os.environ.update({name: value for name, value in ENVIRONMENT.items() if name not in os.environ})
    dask_config.refresh()
    context = get_mp_context()
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload(list(LOADED))


def nanny(scheduler: str, runs_at_once: int, memory: str, folder: str, env: Mapping[str, str]) -> Any:
    """A worker that is started again where it is lost; used as an asynchronous context.

    Args:
        scheduler: its address.
        runs_at_once: runs that it trains in turns.
        memory: its limit, in dask's notation.
        folder: where it writes.
        env: variables of its environment.
    """
    from distributed import Nanny

    return Nanny(
        scheduler,
        host=urlsplit(scheduler).hostname if scheduler.startswith("tcp") else None,
        # One for each run, and one so that encoding and decoding never wait behind them.
        nthreads=runs_at_once + 1,
        resources={"trainer": runs_at_once},
        memory_limit=memory,
        local_directory=folder,
        env=dict(env),
    )


def gpus() -> list[str]:
    """The numbers of this machine's NVIDIA GPUs, by their driver; none without it."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return [gpu for gpu in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if gpu.strip() not in ("", "-1")]
    try:
        command = ["nvidia-smi", "-L"]
        listed = subprocess.run(command, check=False, capture_output=True, text=True, timeout=START_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [str(k) for k, line in enumerate(listed.stdout.splitlines()) if line.startswith("GPU ")]


def device() -> str:
    """What a worker computes on; called in it."""
    return worker.warm_up().name


if __name__ == "__main__":
    asyncio.run(serve(Options(**json.loads(sys.argv[1]))))
