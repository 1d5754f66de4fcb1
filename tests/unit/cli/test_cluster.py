"""Where a scheduler may listen, and what a worker may differ in."""

import pytest

from aecore.cli.cluster import checked_address
from aecore.cli.main import main
from aecore.compute import local
from aecore.compute.versions import other_versions, versions
from aecore.errors import BadInput


@pytest.mark.parametrize(
    ("address", "checked"),
    [
        ("tcp://127.0.0.1:8786", "tcp://127.0.0.1:8786"),
        ("localhost:9000", "tcp://localhost:9000"),
        ("tcp://[::1]:8786", "tcp://[::1]:8786"),
        ("tls://10.0.0.4:8786", "tls://10.0.0.4:8786"),
        ("tls://gpu.example:8786", "tls://gpu.example:8786"),
    ],
)
def test_addresses_that_only_those_reach_who_may(address: str, checked: str):
    assert checked_address(address) == checked


@pytest.mark.parametrize("address", ["tcp://0.0.0.0:8786", "10.0.0.4:8786", "tcp://gpu.example:1", "tcp://[::]:8786"])
def test_plain_tcp_beyond_this_machine_is_refused_with_a_way_to_go(address: str):
    with pytest.raises(BadInput, match=r"could run any code there: use 127.0.0.1 and a tunnel .* or tls://"):
        checked_address(address)


@pytest.mark.parametrize(
    "address", ["", "8786", "tcp://", "tcp://host", "http://127.0.0.1:80", "tcp://127.0.0.1:99999"]
)
def test_what_is_no_address_is_refused(address: str):
    with pytest.raises(BadInput, match=r"An address looks like tcp://127\.0\.0\.1:8786; received"):
        checked_address(address)


@pytest.mark.parametrize("command", [["scheduler", "--address"], ["worker", "--scheduler"]])
def test_the_commands_refuse_before_anything_is_started(command: list[str], capsys: pytest.CaptureFixture[str]):
    assert main([*command, "tcp://0.0.0.0:8786"]) == 2
    assert "could run any code there" in capsys.readouterr().err


def test_a_worker_of_another_version_is_named():
    assert other_versions(versions()) == ""
    theirs = {**versions(), "keras": "3.1"}
    assert other_versions(theirs) == f"keras 3.1 instead of {versions()['keras']}"
    del theirs["aecore"]
    assert other_versions(theirs).startswith("aecore of an older version instead of 0.")
    assert set(versions()) == {"aecore", "keras", "tensorflow"}
    assert "not installed" not in versions().values()


def test_a_worker_for_each_gpu_that_may_be_seen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert local.gpus() == ["2", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert local.gpus() == []
