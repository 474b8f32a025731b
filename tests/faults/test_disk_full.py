"""A disk that is really full: a small file system of its own below the data directory."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import grpc
import muniment
import pytest
from harness.api import Api, refusal
from harness.processes import ProcessFailed, ProcessRunner
from harness.server import ServerFactory, ServerProcess
from muniment import errors
from muniment.v1 import catalog_pb2
from muniment.v1 import metadata_service_pb2 as pb

DISK_BYTES = 32 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path, processes: ProcessRunner) -> Iterator[Path]:
    """A file system of 32 MiB: mounted by root, and otherwise in a user namespace, reached through /proc."""
    mount_point = tmp_path / "small"
    mount_point.mkdir()
    options = ("-t", "tmpfs", "-o", f"size={DISK_BYTES}", "muniment-test", mount_point)
    mounted = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if mounted.returncode == 0:
        try:
            yield mount_point
        finally:
            processes.reap()
            subprocess.run(["umount", "--lazy", mount_point], check=True)
        return
    script = 'mount "$@" && echo mounted && exec sleep 3600'
    namespace = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh")
    holder = processes.start(*namespace, *map(str, options), name="mount-holder")
    holder.wait_for_line("^mounted$")
    yield Path(f"/proc/{holder.pid}/root{mount_point}")


@pytest.fixture
def fill(small_disk: Path) -> Callable[[], Path]:
    """Fills the disk to the last byte with a file, which is returned."""

    def write() -> Path:
        ballast = small_disk / "ballast"
        with ballast.open("ab", buffering=0) as file:
            # Once more while the server beside, which signs what is new, lets go of something.
            while shutil.disk_usage(small_disk).free:
                for size in (1024 * 1024, 4096, 1):
                    while _written(file, b"\0" * size):
                        pass
        return ballast

    return write


@pytest.fixture
def cramped_server(small_disk: Path, server_factory: ServerFactory) -> ServerProcess:
    """A server whose data directory is on the small disk."""
    return server_factory(data=small_disk / "data")


def test_a_push_that_does_not_fit_is_refused_and_leaves_nothing_half_written(
    cramped_server: ServerProcess,
    small_disk: Path,
    connect: Callable[[ServerProcess], Api],
    registry_of: Callable[[ServerProcess], muniment.Registry],
    write_model: Callable[..., Path],
    list_versions: Callable[[Api, str], list[catalog_pb2.Version]],
    verify_version: Callable[[Api, catalog_pb2.Version], None],
    check_ledger: Callable[[Api], list[Any]],
    until: Callable[..., None],
    processes: ProcessRunner,
    check_storage: Callable[..., None],
    tmp_path: Path,
) -> None:
    server, registry = cramped_server, registry_of(cramped_server)
    registry.push("churn", write_model(1, 2, 1024 * 1024))
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * (DISK_BYTES // 2))
    large = write_model(2, 24, 1024 * 1024)
    with pytest.raises(errors.StorageFull) as full:
        registry.push("churn", large)
    # Whichever asked for the last block: bytes and database share the disk.
    assert "store is full: free space on the server" in full.value.diagnostics()
    command = processes.start(
        *(sys.executable, "-m", "muniment.cli", "push", "churn", str(large)),
        env={"MUNIMENT_TARGET": server.address, "MUNIMENT_TOKEN": server.token},
        name="push",
    )
    assert command.wait() == 1
    assert re.fullmatch(
        r"Error: the \w+ store is full: free space on the server, then repeat\. "
        r"What has arrived is not sent twice\.\n",
        command.stderr,
    )
    assert command.lines == []
    # The refusal of one stream ends the others, and the server clears up after each by itself.
    until(lambda: not list((server.data / "cas/incoming").iterdir()), "nothing is half-written")
    api = connect(server)
    assert [version.number for version in list_versions(api, "churn")] == [1]
    registry.pull("churn@1", tmp_path / "while-full")

    ballast.unlink()
    assert registry.push("churn", large).number == 2
    for version in list_versions(api, "churn"):
        verify_version(api, version)
    check_ledger(api)
    check_storage(server)


def test_a_change_that_the_database_cannot_keep_is_refused_and_works_once_there_is_room(
    cramped_server: ServerProcess,
    fill: Callable[[], Path],
    connect: Callable[[ServerProcess], Api],
    check_ledger: Callable[[Api], list[Any]],
) -> None:
    server = cramped_server
    api = connect(server)
    api.new_model("before")
    entries = check_ledger(api)
    ballast = fill()
    kept = []
    refusals = []
    for number in range(300):
        try:
            kept.append(api.new_model(f"model-{number}"))
        except grpc.RpcError as error:
            refusals.append((*refusal(error), error.details()))
            if len(refusals) == 3:
                break
    assert [found[:2] for found in refusals] == [(grpc.StatusCode.RESOURCE_EXHAUSTED, "STORAGE_FULL")] * 3
    assert "the database store is full: free space on the server" in str(refusals[0][3])
    assert len(check_ledger(api)) == len(entries) + len(kept), "what is there can be read"

    # Freed under the running server first, then over a restart: nothing that was refused is there.
    ballast.unlink()
    api.new_model("after")
    server.kill9()
    server.restart()
    api = connect(server)
    names = [entry.model.rpartition("/")[2] for entry in check_ledger(api)[len(entries) :]]
    assert names == [name.rpartition("/")[2] for name in kept] + ["after"]


def test_a_server_killed_on_a_full_disk_starts_again_or_says_why_and_has_lost_nothing(
    cramped_server: ServerProcess,
    fill: Callable[[], Path],
    connect: Callable[[ServerProcess], Api],
    check_ledger: Callable[[Api], list[Any]],
    processes: ProcessRunner,
) -> None:
    server = cramped_server
    for number in range(20):
        connect(server).new_model(f"model-{number}")
    ballast = fill()
    server.kill9()
    process = processes.start(
        *(sys.executable, "-m", "muniment_server", "serve", "--data", str(server.data)),
        *("--listen", "127.0.0.1:0"),
        name="server-on-full-disk",
    )
    try:
        address = process.wait_for_line(r"^serving on (\S+)$").group(1)
    except ProcessFailed:
        assert process.wait() == 1
        assert "full" in process.stderr or os.strerror(errno.ENOSPC) in process.stderr
    else:
        # The killed server left a little room, enough to begin: what was there can be read.
        with Api(address, server.token) as api:
            assert len(api.metadata.ListModels(pb.ListModelsRequest(parent=api.parent())).models) == 20
        process.kill9()
    assert "Traceback" not in process.stderr

    ballast.unlink()
    server.restart()
    types = [entry.type for entry in check_ledger(connect(server))]
    assert types.count("model.created") == 20


def _written(file: BinaryIO, content: bytes) -> bool:
    """Whether there was room."""
    try:
        file.write(content)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return False
    return True
