"""The dashboard as a visitor meets it: a real server, a real worker, a real Chromium."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from aecore.compute import local

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
PATIENCE = 90_000  # milliseconds that anything may take before it counts as missing
expect.set_options(timeout=PATIENCE)


class Server:
    """`streamlit run app.py` on a free port, with a store of its own.

    Args:
        home: what becomes AECORE_HOME.
        settings: other environment variables.
    """

    def __init__(self, home: Path, **settings: str):
        self.home, self.settings, self.process = home, settings, None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> "Server":
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AECORE_")}
        env = kept | {"AECORE_HOME": str(self.home), "KERAS_HOME": str(self.home / "keras")}
        env |= self.settings
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
        command += [f"--server.port={self.port}", "--server.address=127.0.0.1", "--server.fileWatcherType=none"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True)
        waiting = psutil.Process(self.process.pid)
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5):
                    return self
            except OSError:
                assert waiting.is_running(), "the server ended before it answered"
                psutil.wait_procs([waiting], timeout=0.1)
        raise AssertionError("the server does not answer")

    def family(self) -> list[psutil.Process]:
        """The server's processes and all that they started."""
        assert self.process
        return [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]

    def workers(self) -> list[psutil.Process]:
        """Those that train: forked from a process that has loaded TensorFlow for them."""
        forks = [process for process in self.family() if "forkserver" in " ".join(process.cmdline())]
        return [process for process in forks if process.ppid() in {other.pid for other in forks}]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)

    def end(self) -> None:
        """Stops it and, whatever may still be trained, its workers."""
        self.stop()
        for file in (self.home / "tmp").glob(f"worker-*/{local.ADDRESS}"):
            with contextlib.suppress(psutil.NoSuchProcess, OSError):
                psutil.Process(json.loads(file.read_text())["pid"]).kill()


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[Server]:
    """A server that nobody has visited yet."""
    server = Server(tmp_path).start()
    yield server
    server.end()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that most journeys share, so that its worker stays warm."""
    running = Server(tmp_path_factory.mktemp("home")).start()
    yield running
    running.end()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium as the system has it; the shell, which has no windows to draw, takes a third less of the processor."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        assert not os.environ.get("CI"), "no Chromium on a machine that should have one"
        pytest.skip("no Chromium here; install one to run the journeys")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        running = playwright.chromium.launch(executable_path=path, args=flags)
        yield running
        running.close()


@pytest.fixture(scope="session")
def desktop(browser: Browser) -> Iterator[BrowserContext]:
    """A visitor on a desktop, whose browser has loaded the dashboard's scripts once for all journeys."""
    context = browser.new_context(viewport={"width": 1400, "height": 1200}, color_scheme="light")
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def page(desktop: BrowserContext) -> Iterator[Page]:
    """A new tab on a desktop; the test may open others, which are closed after it."""
    yield desktop.new_page()
    for tab in desktop.pages:
        tab.close()
