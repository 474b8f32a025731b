"""connect("file:DIR"): one server per directory, as long as it has clients."""

from __future__ import annotations

import sys
from pathlib import Path

import muniment
import psutil
import pytest
from harness.processes import DEADLINE
from muniment import errors, local

CLIENT = """
import signal, sys, muniment
with muniment.connect("file:" + sys.argv[1]) as registry:
    print("joined", registry.target, registry.whoami().principal, flush=True)
    signal.pause()
"""


def pid_of(data: Path) -> int:
    running = local.read_server_file(data / local.SERVER_FILE)
    assert running is not None
    return running.pid


def kill(data: Path) -> None:
    server = psutil.Process(pid_of(data))
    server.kill()
    server.wait(DEADLINE)


def test_two_processes_share_one_server_which_ends_after_the_last(processes, tmp_path) -> None:
    data = tmp_path / "data"
    first, second = (
        processes.start(sys.executable, "-c", CLIENT, data, name=f"client-{number}") for number in (1, 2)
    )
    addresses = {client.wait_for_line(r"^joined (\S+) (\S+)$").group(1) for client in (first, second)}
    assert len(addresses) == 1
    server = psutil.Process(pid_of(data))
    first.kill9()
    with muniment.connect(f"file:{data}") as registry:
        assert {registry.target} == addresses
    assert second.running
    second.kill9()
    server.wait(DEADLINE)
    assert not (data / local.SERVER_FILE).exists()


def test_the_next_client_finds_what_the_last_one_left(tmp_path, model_dir) -> None:
    target = f"file:{tmp_path / 'data'}"
    with muniment.connect(target) as registry:
        registry.push("churn", model_dir)
        server = psutil.Process(pid_of(tmp_path / "data"))
    server.wait(DEADLINE)
    with muniment.connect(target) as registry:
        assert [model.latest_number for model in registry.models()] == [1]


def test_a_server_that_was_killed_is_replaced_for_new_clients_and_for_those_it_had(
    tmp_path, model_dir
) -> None:
    target = f"file:{tmp_path / 'data'}"
    with muniment.connect(target) as first:
        first.push("churn", model_dir)
        with first.watch(after=0, types=("version.*", "stage.*")) as events:
            assert next(events).type == "version.created"
            kill(tmp_path / "data")
            with muniment.connect(target) as second:
                # Its address is another one, which nobody told the first.
                assert [version.number for version in first.versions("churn")] == [1]
                second.promote("churn@1", to="staging")
                assert next(events).type == "stage.promoted"
                assert first.target == second.target


def test_the_admin_token_of_a_local_server_is_found(server) -> None:
    with muniment.connect(server.address) as registry:
        assert registry.whoami().principal


def test_a_directory_that_cannot_be_one_is_told(tmp_path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(errors.CannotWrite, match="data directory"):
        muniment.connect(f"file:{tmp_path / 'file'}")
