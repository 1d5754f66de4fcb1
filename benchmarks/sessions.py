"""Visitors in real sessions of Streamlit: each a websocket that asks for pages, as a browser does.

A visitor opens a page, reads it for a while and goes to the next; some train a first model and watch it. What a browser
would draw again by itself is asked for as often as it would. Nothing is rendered: that is the visitors' own machines'.
"""

import asyncio
import contextlib
import os
import random
import re
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from benchmarks.classroom import row

PAGES = ("", "train", "latent", "weights", "replay", "your_input", "novelty", "sentences")
ROOT = Path(__file__).resolve().parents[1]
FIRST = "Train a first model"
START_SECONDS = 60
PATIENCE_SECONDS = 60
SPREAD_SECONDS = 10.0  # in which all visitors come
LARGEST = 200_000_000  # bytes of one message


@dataclass
class Seen:
    """What all visitors saw.

    Attributes:
        pages: seconds from asking for a page until it was drawn.
        redrawn: seconds of the drawings that a live page asks for by itself.
        pressed: seconds from "Train a first model" until the run's page was drawn.
        exceptions: that were shown, with their page.
        failed: scripts that could not be compiled, and connections that broke.
        memory: megabytes of the server once all have come, and at the end.
        log: lines of the server's log that tell of an error.
    """

    pages: list[float] = field(default_factory=list)
    redrawn: list[float] = field(default_factory=list)
    pressed: list[float] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    failed: int = 0
    memory: list[float] = field(default_factory=list)
    log: list[str] = field(default_factory=list)


class Visitor:
    """One session.

    Args:
        url: of the websocket.
        seen: where it is noted what was seen.
        rng: chooses the pages.
        reading: seconds on a page, on average.
        trains: whether this one presses "Train a first model" now and then.
    """

    def __init__(self, url: str, seen: Seen, rng: random.Random, reading: float, trains: bool):
        self._url, self._seen, self._rng, self._reading, self._trains = url, seen, rng, reading, trains
        self._cookie = f"aecore_workspace={secrets.token_urlsafe(24)}"
        self._first = ""  # id of the button
        self._repeated: dict[str, asyncio.Task[None]] = {}  # what the page draws again by itself, by fragment
        self._asked: dict[str, float] = {}
        self._page, self._run, self._drawn = "", "", asyncio.Event()

    async def stay(self, until: float) -> None:
        """Visits pages until a moment of the monotonic clock."""
        try:
            async with connect(
                self._url,
                additional_headers={"Cookie": self._cookie},
                subprotocols=[Subprotocol("streamlit")],
                max_size=LARGEST,
            ) as connection:
                listening = asyncio.create_task(self._listen(connection))
                while time.monotonic() < until:
                    press = self._trains and self._page == "" and bool(self._first)
                    page = "train" if press else self._rng.choice(PAGES) if not self._trains or self._page else ""
                    begun = time.monotonic()
                    await self._ask(connection, page, press)
                    (self._seen.pressed if press else self._seen.pages).append(time.monotonic() - begun)
                    await asyncio.sleep(self._rng.uniform(0.5, 1.5) * self._reading)
                listening.cancel()
        except (OSError, WebSocketException):
            self._seen.failed += 1
        finally:
            self._stop_repeating()

    async def _ask(self, connection: ClientConnection, page: str, press: bool) -> None:
        """Asks for a page and waits until it is drawn; with `press` by the button on Home, whose page it comes from."""
        self._stop_repeating()
        self._drawn.clear()
        message = BackMsg()
        state = message.rerun_script
        state.page_name = self._page if press else page
        if press:
            state.widget_states.widgets.add(id=self._first, trigger_value=True)
        elif page == "train" and self._run:
            state.query_string = f"run={self._run}"
        self._page = page
        await connection.send(message.SerializeToString())
        try:
            await asyncio.wait_for(self._drawn.wait(), PATIENCE_SECONDS)
        except TimeoutError:
            self._seen.exceptions.append(f"{page or 'home'}: not drawn within {PATIENCE_SECONDS} s")

    async def _listen(self, connection: ClientConnection) -> None:
        async for data in connection:
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            what = message.WhichOneof("type")
            if what == "delta":
                element = message.delta.new_element
                if element.WhichOneof("type") == "button" and element.button.label == FIRST:
                    self._first = element.button.id
                if element.WhichOneof("type") == "exception":
                    self._seen.exceptions.append(f"{self._page}: {element.exception.type} {element.exception.message}")
            elif what == "page_info_changed":
                found = re.search(r"run=([\w-]+)", message.page_info_changed.query_string)
                self._run = found[1] if found else self._run
            elif what == "auto_rerun":
                self._repeat(connection, message.auto_rerun.fragment_id, message.auto_rerun.interval)
            elif what == "stop_auto_rerun":
                self._stop_repeating()
            elif what == "script_finished":
                self._finished(message.script_finished)

    def _finished(self, status: int) -> None:
        if status == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY:
            for fragment in list(self._asked):
                self._seen.redrawn.append(time.monotonic() - self._asked.pop(fragment))
        elif status == ForwardMsg.FINISHED_SUCCESSFULLY:
            self._drawn.set()
        self._seen.failed += status == ForwardMsg.FINISHED_WITH_COMPILE_ERROR

    def _repeat(self, connection: ClientConnection, fragment: str, seconds: float) -> None:
        async def again() -> None:
            while True:
                await asyncio.sleep(seconds)
                message = BackMsg()
                message.rerun_script.fragment_id = fragment
                message.rerun_script.is_auto_rerun = True
                message.rerun_script.page_name = self._page
                if self._run:
                    message.rerun_script.query_string = f"run={self._run}"
                self._asked.setdefault(fragment, time.monotonic())
                await connection.send(message.SerializeToString())

        if fragment in self._repeated:
            self._repeated[fragment].cancel()
        self._repeated[fragment] = asyncio.create_task(again())

    def _stop_repeating(self) -> None:
        for task in self._repeated.values():
            task.cancel()
        self._repeated.clear()
        self._asked.clear()


@contextlib.contextmanager
def _server(home: Path) -> Iterator[tuple[int, psutil.Process, Path]]:
    """The dashboard in public, on a free port: the port, the process, and the file with its log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = home / "log.txt"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}",
               "--server.address=127.0.0.1", "--server.fileWatcherType=none"]  # fmt: skip
    env = os.environ | {"AECORE_HOME": str(home), "AECORE_PUBLIC": "1"}
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT)
        try:
            for _ in range(START_SECONDS * 10):
                with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health"):
                    break
                time.sleep(0.1)
            else:
                raise RuntimeError(f"the dashboard does not answer; its log: {log.read_text()[-500:]}")
            yield port, psutil.Process(process.pid), log
        finally:
            process.terminate()
            process.wait(30)


async def _all_visit(seen: Seen, port: int, process: psutil.Process, visitors: int, training: int, seconds: float,
                     reading: float) -> None:  # fmt: skip
    until = time.monotonic() + seconds
    url = f"ws://127.0.0.1:{port}/_stcore/stream"

    async def visit(k: int) -> None:
        await asyncio.sleep(SPREAD_SECONDS * k / visitors)
        await Visitor(url, seen, random.Random(k), reading, k < training).stay(until)

    async def weigh() -> None:
        await asyncio.sleep(seconds / 4)  # all have come, and most pages were drawn
        while True:
            seen.memory.append(process.memory_info().rss / 1e6)
            await asyncio.sleep(5)

    weighing = asyncio.create_task(weigh())
    await asyncio.gather(*(visit(k) for k in range(visitors)))
    weighing.cancel()


def rows(visitors: int, training: int, seconds: float, reading: float) -> Iterator[dict[str, Any]]:
    """Measures visitors on all pages.

    Args:
        visitors: how many come.
        training: how many of them train a model again and again.
        seconds: how long they stay.
        reading: seconds that each stays on a page, on average.

    Yields:
        What was measured, its value, and the most that it may be.
    """
    seen = Seen()
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as (port, process, log):
        asyncio.run(_all_visit(seen, port, process, visitors, training, seconds, reading))
        seen.log = [line for line in log.read_text().splitlines() if re.search(r"Traceback|ERROR|Error:", line)]
    pages = sorted(seen.pages)
    yield row(f"{len(pages)} pages, median s", statistics.median(pages), 1.0)
    yield row("95th percentile, s", pages[int(0.95 * len(pages))], 3.0)
    if seen.redrawn:
        redrawn = statistics.median(seen.redrawn)
        yield row(f"{len(seen.redrawn)} drawings of live pages, median s", redrawn, 1.0)
    if seen.pressed:
        yield row(f"{len(seen.pressed)} times {FIRST}, median s", statistics.median(seen.pressed), 1.0)
    note = ", ".join(f"{seen.memory[k * (len(seen.memory) - 1) // 5]:.0f}" for k in range(6)) + " MB"
    yield row("memory of the server, end / after a quarter", seen.memory[-1] / seen.memory[0], 1.1, note)
    yield row(
        "exceptions shown, and connections lost", len(seen.exceptions) + seen.failed, 0, "; ".join(seen.exceptions)
    )
    yield row("errors in the log", len(seen.log), 0, "; ".join(seen.log[:3]))
