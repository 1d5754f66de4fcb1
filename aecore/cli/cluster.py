"""A scheduler and workers for other machines: `python -m aecore scheduler` and `python -m aecore worker`."""

import argparse
import asyncio
import ipaddress
import json
import os
import signal
import socket
import tempfile
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console

from aecore.compute import local
from aecore.errors import BadInput
from aecore.settings import Settings

DEFAULT = "tcp://127.0.0.1:8786"


def checked_address(address: str) -> str:
    """An address that a scheduler may have.

    Raises:
        BadInput: it is none, or whoever reaches it could run any code.
    """
    try:
        parts = urlsplit(address if "://" in address else f"tcp://{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("tcp", "tls") or not host or port is None:
        raise BadInput(f"An address looks like {DEFAULT}; received '{address}'.")
    if parts.scheme == "tcp" and not _is_loopback(host):
        raise BadInput(
            f"Whoever reaches {address} could run any code there: use 127.0.0.1 and a tunnel (ssh -N -L "
            f"{port}:127.0.0.1:{port} {host}), or tls:// with certificates in dask's configuration."
        )
    return f"{parts.scheme}://[{host}]:{port}" if ":" in host else f"{parts.scheme}://{host}:{port}"


def scheduler(options: argparse.Namespace, err: Console) -> None:
    """Runs a scheduler until it is interrupted."""
    asyncio.run(_scheduler(checked_address(options.address), options.json, err))


def worker(options: argparse.Namespace, err: Console) -> None:
    """Runs a worker for each GPU, or one for the processor, until it is interrupted."""
    address = checked_address(options.scheduler or os.environ.get("AECORE_SCHEDULER") or DEFAULT)
    asyncio.run(_workers(address, Settings.from_env(), options.json, err))


async def _scheduler(address: str, as_json: bool, err: Console) -> None:
    from distributed import Scheduler

    parts = urlsplit(address)
    try:
        started = await Scheduler(
            host=parts.hostname, port=parts.port or 0, protocol=parts.scheme, dashboard=False, allowed_failures=0
        )
    except (OSError, RuntimeError) as error:
        raise BadInput(f"There can be no scheduler at {address} ({_cause(error)}): choose another port.") from None
    _tell({"event": "listening", "address": started.address}, f"Scheduler at {started.address}", as_json, err)
    await _until_interrupted()
    await started.close()


async def _workers(address: str, settings: Settings, as_json: bool, err: Console) -> None:
    from distributed import Client

    local.prepare_forks()
    try:
        client: Any = await Client(address, asynchronous=True, timeout=10, set_as_default=False)
    except (OSError, TimeoutError):
        raise BadInput(f"No scheduler answers at {address}: start one with 'python -m aecore scheduler'.") from None
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(client)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="aecore-"))
        gpus = local.gpus()
        for gpu in gpus or [""]:
            env = {"CUDA_VISIBLE_DEVICES": gpu} if gpu else {}
            nanny = local.nanny(address, settings.runs_at_once, settings.worker_memory, folder, env)
            await stack.enter_async_context(nanny)
        for where, device in (await client.run(local.device)).items():
            row = {"event": "ready", "address": where, "device": device}
            _tell(row, f"{device} on {socket.gethostname()}: up to {settings.runs_at_once} runs in turns", as_json, err)
        await _until_interrupted()


async def _until_interrupted() -> None:
    """Returns at Ctrl-C, or when the process is asked to end."""
    asked = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, asked.set)
    await asked.wait()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)


def _tell(row: dict[str, Any], sentence: str, as_json: bool, err: Console) -> None:
    if as_json:
        print(json.dumps(row), flush=True)
    else:
        err.print(sentence, markup=False, soft_wrap=True)
