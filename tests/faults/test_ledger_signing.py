"""A served ledger that is not what was signed, and keys that are not the right ones: real servers, real files."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
from click.testing import CliRunner
from grpc import StatusCode
from grpc_health.v1 import health_pb2, health_pb2_grpc
from harness.api import Api
from harness.api import refusal as refusal_of
from harness.api import refused as refusal
from harness.processes import DEADLINE
from harness.server import ServerProcess
from muniment.ledger.checkpoint import open_checkpoint
from muniment.ledger.keys import PublicKey
from muniment.ledger.merkle import leaf_hash
from muniment.ledger.proof import LogProof
from muniment.ledger.rotation import verify_rotation
from muniment.v1 import ledger_service_pb2 as pb
from muniment.v1 import metadata_service_pb2 as metadata
from muniment_server.cli import main

Connect = Callable[[ServerProcess], Api]


def checkpoint(api: Api, *, min_size: int = 0) -> pb.Checkpoint:
    """The newest one of at least a size, however long it takes a busy machine to sign it."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            return api.ledger.GetCheckpoint(pb.GetCheckpointRequest(parent=api.parent(), min_size=min_size))
        except grpc.RpcError as error:
            if refusal_of(error).reason != "CHECKPOINT_PENDING" or time.monotonic() > end:
                raise


def head(api: Api) -> int:
    return api.ledger.GetHead(pb.GetHeadRequest(parent=api.parent())).size


def writes_are(address: str) -> str:
    with grpc.insecure_channel(address) as channel:
        request = health_pb2.HealthCheckRequest(service="muniment.v1.writes")
        answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=DEADLINE)
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


def create_model(api: Api, name: str) -> metadata.CreateModelRequest:
    return metadata.CreateModelRequest(parent=api.parent(), model_id=name)


def run(*arguments: object, status: int = 0) -> tuple[list[str], str]:
    """Runs a command of the server's program in this process, where starting one takes longer than all of it."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == status, (done.output, done.exception)
    return done.stdout.splitlines(), done.stderr


def restore(copy: Path, data: Path) -> None:
    for suffix in ("-wal", "-shm"):
        (data / f"muniment.db{suffix}").unlink(missing_ok=True)
    shutil.copy(copy, data / "muniment.db")


def test_an_older_copy_of_the_database_is_read_and_not_written_until_the_operator_decides(
    server: ServerProcess,
    connect: Connect,
    tmp_path: Path,
    until: Callable[..., None],
    check_ledger: Callable[[Api], list[Any]],
) -> None:
    connect(server).new_model("kept")
    server.stop()
    copy = shutil.copy(server.data / "muniment.db", tmp_path)
    server.restart()
    api = connect(server)
    api.new_model("lost")
    size = head(api)
    assert checkpoint(api, min_size=size).size == size
    assert writes_are(server.address) == "SERVING"
    server.stop()

    restore(Path(copy), server.data)
    server.restart()
    api = connect(server)
    assert [
        model.name
        for model in api.metadata.ListModels(metadata.ListModelsRequest(parent=api.parent())).models
    ] == ["projects/default/models/kept"]
    why = refusal(api.metadata.CreateModel, create_model(api, "more"))
    assert why[:2] == (StatusCode.FAILED_PRECONDITION, "LEDGER_RECOVERY")
    until(lambda: writes_are(server.address) == "NOT_SERVING", "the health of writes")
    assert f"the ledger has {size - 1} entries, while the anchor has {size}" in server.stderr
    assert "muniment-server fsck" in server.stderr
    server.stop()
    lines, _ = run("fsck", "--data", server.data, status=1)
    assert any("anchor" in line for line in lines), lines
    # It stays so, whatever is started again, until somebody decides.
    _, said = run("token", "create", "--role", "admin", "--data", server.data, status=1)
    assert "until its operator has decided" in said
    lines, _ = run("recover", "--reason", "restored on purpose", "--data", server.data)
    assert lines == [
        f"going on with {size - 1} entries; revision {size} tells that a signed head of {size} was given up"
    ]

    server.restart()
    api = connect(server)
    api.new_model("after")
    assert checkpoint(api, min_size=head(api)).size == size + 1
    assert writes_are(server.address) == "SERVING"
    entries = check_ledger(api)
    assert [entry.type for entry in entries[-2:]] == ["log.recovered", "model.created"]
    assert entries[-2].reason == "restored on purpose"


def test_a_rotated_key_signs_on_and_proofs_of_either_key_verify(
    server: ServerProcess, connect: Connect
) -> None:
    def proved(api: Api, revision: int) -> tuple[LogProof, bytes]:
        request = pb.GetInclusionProofRequest(parent="projects/-", revision=revision)
        entry = api.ledger.GetEntry(pb.GetEntryRequest(parent="projects/-", revision=revision))
        return LogProof.parse(api.ledger.GetInclusionProof(request).tlog_proof), leaf_hash(entry.body)

    checkpoint(connect(server), min_size=1)
    before = proved(connect(server), 1)
    said = run("key", "rotate", "--data", server.data, status=1)[1]
    assert "is used by another server" in said
    shown = run("key", "show", "--data", server.data)[0]
    server.stop()
    (rotated,) = run("key", "rotate", "--data", server.data)[0]
    assert run("key", "show", "--data", server.data)[0] == [*shown, rotated]
    old, new = PublicKey.parse(shown[0]), PublicKey.parse(rotated)

    server.restart()
    api = connect(server)
    checkpoint(api, min_size=head(api))
    after = proved(api, head(api))
    for (file, leaf), key, other in ((before, old, new), (after, new, old)):
        assert file.verify(leaf, [key, other]).origin == old.name
        assert open_checkpoint(file.checkpoint, [key]).size >= file.index + 1
    keys = api.ledger.ListLogKeys(pb.ListLogKeysRequest(parent=api.parent())).keys
    assert [(key.key, key.active) for key in keys] == [(old.text, False), (new.text, True)]
    assert verify_rotation(keys[1].statement, old, revision=keys[1].revision) == new
    earlier = open_checkpoint(before[0].checkpoint, [old]).size
    request = pb.GetConsistencyProofRequest(parent=api.parent(), from_size=earlier)
    assert api.ledger.GetConsistencyProof(request).to_size == checkpoint(api).size


def test_without_its_key_a_server_serves_and_what_is_new_stays_unsigned(
    server: ServerProcess, connect: Connect
) -> None:
    signed = checkpoint(connect(server)).size
    server.stop()
    (server.data / "signing-key.pem").unlink()
    server.restart()
    api = connect(server)
    api.new_model("unsigned")
    request = pb.GetCheckpointRequest(parent=api.parent(), min_size=head(api))
    why = refusal(api.ledger.GetCheckpoint, request)
    assert why == (
        StatusCode.UNAVAILABLE,
        "CHECKPOINT_PENDING",
        {"wanted": str(head(api)), "signed": str(signed)},
    )
    assert "this process signs nothing" in server.stderr
    with closing(sqlite3.connect(server.data / "muniment.db")) as connection:
        connection.execute("UPDATE ledger_nodes SET hash = zeroblob(32)")
        connection.commit()
    proof = pb.GetInclusionProofRequest(parent="projects/-", revision=signed)
    assert refusal(api.ledger.GetInclusionProof, proof)[:2] == (StatusCode.DATA_LOSS, "LEDGER_DAMAGED")
