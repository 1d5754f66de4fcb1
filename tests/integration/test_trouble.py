"""Things that go wrong in a run: one clear sentence each, and nothing that was stored is lost."""

import contextlib
import dataclasses
import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aecore.errors import DataMissing
from aecore.schema import RunConfig, Speed
from aecore.service import Service
from aecore.settings import Settings
from tests.integration.live import ended, reaches, small, wait_for

EPOCHS = 40
UNHURRIED = Speed(epochs_per_second=3)
DISK_BYTES = 4_000_000


@dataclasses.dataclass
class Disk:
    """A folder whose disk can be filled and freed again."""

    folder: Path
    fill: Callable[[], None]
    free: Callable[[], None]


def _mounted(folder: Path) -> Iterator[Disk]:
    filler = folder / "filler"

    def fill() -> None:
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                continue
        assert shutil.disk_usage(folder).free == 0

    yield Disk(folder, fill, filler.unlink)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _pretended(folder: Path) -> Iterator[Disk]:
    def refuse(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        yield Disk(folder, lambda: patch.setattr(os, "fsync", refuse), patch.undo)


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """A small disk of its own where this machine lets us mount one; else one that only says that it is full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "reported full":
        yield from _pretended(folder)
        return
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs the rights of root")
    yield from _mounted(folder)


@pytest.mark.parametrize(
    ("disk", "database"), [("reported full", "elsewhere"), ("really full", "on the disk")], indirect=["disk"]
)
def test_a_full_disk_interrupts_the_run_which_resumes_once_there_is_space(
    open_service: Callable[[Settings], Service], settings: Settings, disk: Disk, database: str
):
    url = settings.database_url if database == "elsewhere" else f"sqlite:///{disk.folder / 'aecore.db'}"
    service = open_service(dataclasses.replace(settings, home=disk.folder, database_url=url))
    name = service.runs.train(small(epochs=EPOCHS), UNHURRIED)
    folder = disk.folder / "runs" / name
    wait_for(lambda: list(folder.glob("checkpoint-*")), "No checkpoint was written")
    reached = wait_for(lambda: len(service.runs.curve(name).epochs), "No epoch was ever done")
    disk.fill()

    run = ended(service, name, "interrupted")
    assert "disk" in run.message.lower()
    assert "Resume goes on from epoch " in run.message
    assert not list(folder.rglob(".writing-*"))
    known = [epoch.epoch for epoch in service.runs.curve(name).epochs]
    assert known == list(range(1, len(known) + 1))
    assert len(known) >= reached
    assert service.runs.snapshot(name) is not None

    disk.free()
    service.runs.resume(name)
    run = ended(service, name, "finished")
    assert run.message == ""
    assert [epoch.epoch for epoch in service.runs.curve(name).epochs] == list(range(1, EPOCHS + 1))


def test_a_damaged_dataset_is_reported_at_once_and_disturbs_nothing(service: Service, data_dir: Path):
    damaged = data_dir / "mnist.npz"
    damaged.write_bytes(b"PK\x03\x04 this is not an archive" * 1000)
    try:
        before = service.runs.train(small())
        known = {run.id for run in service.runs.all()}
        with pytest.raises(DataMissing) as refused:
            service.runs.train(RunConfig.make("vanilla", "mnist", "quick"))
        assert str(damaged) in str(refused.value)
        assert "Traceback" not in str(refused.value)
        assert damaged.exists()
        assert {run.id for run in service.runs.all()} == known
        ended(service, before, "finished")
    finally:
        damaged.unlink()


def test_a_run_that_diverges_says_so_and_keeps_its_last_checkpoint(service: Service):
    calm = {"optimizer": "sgd", "loss": "mse", "output_activation": "linear", "code_activation": "linear"}
    name = service.runs.train(small(epochs=200, learning_rate=1e-3, **calm), UNHURRIED)
    reaches(service, name, 1)
    service.runs.pause(name)
    paused = ended(service, name, "paused")
    before = service.runs.curve(name).epochs
    assert before
    service.runs.set_learning_rate(name, 10.0)
    service.runs.resume(name)
    run = ended(service, name, "failed")
    assert run.message.startswith("The loss stopped being a number in epoch ")
    assert "Try a learning rate below 10;" in run.message

    after = service.runs.curve(name).epochs
    assert after[: len(before)] == before
    assert run.position >= paused.epochs_done

    service.runs.resume(name, learning_rate=1e-3)  # its checkpoint may have been taken when it was already on the slope
    wait_for(lambda: not service.runs.run(name).active, "It never ended")
    assert service.runs.run(name).status in ("finished", "failed")
    assert service.runs.curve(name).epochs[: len(before)] == before
