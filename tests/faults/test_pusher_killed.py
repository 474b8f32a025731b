"""`kill -9` of a client that pushes: nothing is visible, and pushing again sends only what is missing."""

from __future__ import annotations

import hashlib
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import psutil
import pytest
from harness.api import Api, refusal
from harness.processes import RunningProcess
from harness.server import ServerProcess
from muniment.v1 import artifact_service_pb2, catalog_pb2

FILES = 48
FILE_BYTES = 1024 * 1024
SEED = 7


@pytest.mark.soak
def test_a_killed_push_leaves_no_version_and_pushing_again_sends_only_what_is_missing(
    server: ServerProcess,
    start_worker: Callable[..., RunningProcess],
    connect: Callable[[ServerProcess], Api],
    write_model: Callable[..., Path],
    list_versions: Callable[[Api, str], list[catalog_pb2.Version]],
    verify_version: Callable[[Api, catalog_pb2.Version], None],
    until: Callable[..., None],
    check_storage: Callable[..., None],
    soak: bool,
) -> None:
    moments = random.Random(SEED)
    api = connect(server)
    interrupted = 0
    for attempt in range(25 if soak else 2):
        model, directory = f"model-{attempt}", write_model(attempt, FILES, FILE_BYTES)
        # The random moment: after so many chunks are acknowledged, with more of them under way.
        reached = moments.randrange(1, FILES // 2) * FILE_BYTES
        pusher = start_worker("push_one", server, model, directory, reached)
        assert pusher.wait() == -signal.SIGKILL, pusher.stderr
        assert not any(line.startswith("version") for line in pusher.lines)
        with pytest.raises(grpc.RpcError) as missing_model:
            list_versions(api, model)
        assert refusal(missing_model.value).reason == "MODEL_NOT_FOUND"

        until(lambda: not _others(server), "the server has read what the dead client sent")
        held = _settled(api, server, directory, until)
        assert len(held) * FILE_BYTES >= reached, "what was acknowledged is held"
        interrupted += len(held) < FILES
        again = start_worker("push_one", server, model, directory)
        assert again.wait() == 0, again.stderr
        assert _pushed(again) == (FILES - len(held)) * FILE_BYTES
        # A chunk that is stored anew is another file: none of those that were held was sent again.
        assert {path: path.stat().st_ino for path in held} == held
        (version,) = list_versions(api, model)
        assert (version.number, version.file_count) == (1, FILES)
        verify_version(api, version)
    assert interrupted, "at least one push was killed in its middle"
    check_storage(server)


@pytest.mark.soak
def test_a_push_killed_at_any_moment_makes_a_whole_version_or_none_and_can_be_repeated(
    server: ServerProcess,
    start_worker: Callable[..., RunningProcess],
    connect: Callable[[ServerProcess], Api],
    write_model: Callable[..., Path],
    list_versions: Callable[[Api, str], list[catalog_pb2.Version]],
    verify_version: Callable[[Api, catalog_pb2.Version], None],
    until: Callable[..., None],
    check_storage: Callable[..., None],
    soak: bool,
) -> None:
    moments = random.Random(SEED)
    api = connect(server)
    whole = start_worker("push_one", server, "whole", write_model(-1, FILES, FILE_BYTES))
    whole.wait_for_line("^[a-z]+ ")
    begun = time.monotonic()
    assert whole.wait() == 0, whole.stderr
    took = time.monotonic() - begun
    for attempt in range(25 if soak else 2):
        model, directory = f"model-{attempt}", write_model(attempt, FILES, FILE_BYTES)
        pusher = start_worker("push_one", server, model, directory)
        pusher.wait_for_line("^[a-z]+ ")
        # The random moment, in whatever it is doing: hashing, sending, committing, registering, ending.
        time.sleep(moments.uniform(0.0, took))
        pusher.kill9()
        acknowledged = any(line.startswith("version") for line in pusher.lines)

        until(lambda: not _others(server), "the server has read what the dead client sent")
        held = _settled(api, server, directory, until)
        again = start_worker("push_one", server, model, directory)
        assert again.wait() == 0, again.stderr
        assert _pushed(again) == (FILES - len(held)) * FILE_BYTES
        versions = list_versions(api, model)
        # One that was killed before it was told may have been registered all the same.
        assert [version.number for version in versions] in ([[1, 2]] if acknowledged else [[1], [1, 2]])
        for version in versions:
            assert (version.digest, version.file_count) == (versions[-1].digest, FILES)
        verify_version(api, versions[-1])
    check_storage(server)


def _pushed(process: RunningProcess) -> int:
    """Bytes the SDK saw acknowledged."""
    lines = [line.split() for line in process.lines if line.startswith("push ")]
    return int(lines[-1][1]) if lines else 0


def _others(server: ServerProcess) -> set[tuple[str, int]]:
    """Clients of the server that are not this process; one that was killed counts until all it sent is read."""
    ours = {tuple(connection.laddr) for connection in psutil.Process().net_connections("tcp")}
    theirs = psutil.Process(server.pid).net_connections("tcp")
    return {tuple(connection.raddr) for connection in theirs if connection.raddr} - ours


def _settled(api: Api, server: ServerProcess, directory: Path, until: Callable[..., None]) -> dict[Path, int]:
    """Files of the chunks that the project holds, once the server has done with what the dead client sent."""
    until(lambda: not list((server.data / "cas/incoming").iterdir()), "nothing is half-written")
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(directory.iterdir())]
    request = artifact_service_pb2.PlanUploadRequest(parent=api.parent())
    for digest in digests:
        request.chunks.add(digest=f"sha256:{digest}", size=FILE_BYTES)

    def stored() -> dict[Path, int]:
        paths = (server.data / "cas/sha256" / digest[:2] / digest for digest in digests)
        return {path: path.stat().st_ino for path in paths if path.exists()}

    # A whole chunk becomes visible just before the project holds it.
    until(lambda: len(api.artifact.PlanUpload(request).missing) == FILES - len(stored()), "chunks are noted")
    return stored()
