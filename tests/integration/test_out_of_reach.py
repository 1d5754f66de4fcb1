"""What is out of reach for half a minute, a network, a worker, a database: nothing is lost, or trained twice."""

import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from aecore.compute.cluster import DaskBackend
from aecore.schema import Speed
from aecore.service import Service
from aecore.settings import Settings
from tests.integration.live import ended, reaches, small, worker_of

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.patient]
EPOCHS, SPEED = 600, Speed(epochs_per_second=10)
AWAY_SECONDS = 30
LOCKED_SECONDS = 35  # longer than SQLite waits


def pass_by(seconds: float) -> None:
    """Lets so much time pass, which is what these tests are about."""
    threading.Event().wait(seconds)


def expect_no_hole(service: Service, name: str) -> None:
    service.runs.set_speed(name, Speed())
    run = ended(service, name, "finished")
    assert (run.attempt, run.message) == (1, "")
    assert [epoch.epoch for epoch in service.runs.curve(name).epochs] == list(range(1, EPOCHS + 1))


class Proxy:
    """A network between a dashboard and a scheduler, which can be cut.

    Args:
        port: the scheduler's.
    """

    def __init__(self, port: int):
        self._port = port
        self._open = threading.Event()
        self._open.set()
        self._broken = False
        self._sockets: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def fall_silent(self) -> None:
        """Nothing comes through any more."""
        self._open.clear()

    def break_off(self) -> None:
        """All connections are lost, and new ones refused."""
        self._broken = True
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
                one.close()
        self._sockets.clear()

    def mend(self) -> None:
        self._broken = False
        self._open.set()

    def close(self) -> None:
        self.mend()
        self.break_off()
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listening.accept()
                if self._broken:
                    here.close()
                    continue
                there = socket.create_connection(("127.0.0.1", self._port))
                self._sockets += [here, there]
                for source, target in ((here, there), (there, here)):
                    threading.Thread(target=self._forward, args=(source, target), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                self._open.wait()
                target.sendall(data)
        for one in (source, target):
            with suppress(OSError):
                one.close()


@pytest.fixture
def proxy(fragile: DaskBackend) -> Iterator[Proxy]:
    scheduler = fragile.client().scheduler
    assert scheduler is not None
    port = urlsplit(scheduler.address).port
    assert port
    running = Proxy(port)
    yield running
    running.close()


@pytest.fixture
def beyond(proxy: Proxy, settings: Settings) -> Iterator[Service]:
    """A service whose scheduler lies beyond the proxy."""
    there = replace(settings, scheduler=proxy.address)
    service = Service(there, DaskBackend(there))
    yield service
    service.close()


@pytest.mark.parametrize("how", ["silent", "broken"])
def test_a_network_that_is_cut(beyond: Service, proxy: Proxy, how: str):
    name = beyond.runs.train(small(epochs=EPOCHS), SPEED)
    reaches(beyond, name, 3)
    proxy.break_off() if how == "broken" else proxy.fall_silent()
    pass_by(AWAY_SECONDS)
    before = beyond.runs.run(name).position
    proxy.mend()
    reaches(beyond, name, before + 1)
    expect_no_hole(beyond, name)


def test_a_worker_that_is_stopped(fragile_service: Service, fragile: DaskBackend):
    name = fragile_service.runs.train(small(epochs=EPOCHS), SPEED)
    reaches(fragile_service, name, 3)
    worker = worker_of(fragile)
    worker.suspend()
    try:
        pass_by(AWAY_SECONDS)
        before = fragile_service.runs.run(name).position
    finally:
        worker.resume()
    reaches(fragile_service, name, before + 1)
    expect_no_hole(fragile_service, name)


def test_a_database_that_is_locked(fragile_service: Service):
    name = fragile_service.runs.train(small(epochs=EPOCHS), SPEED)
    reaches(fragile_service, name, 3)
    other = sqlite3.connect(fragile_service.settings.home / "aecore.db", isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        pass_by(LOCKED_SECONDS)
        before = fragile_service.runs.run(name).position
        other.execute("ROLLBACK")
    finally:
        other.close()
    reaches(fragile_service, name, before + 1)
    expect_no_hole(fragile_service, name)
