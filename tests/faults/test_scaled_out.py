"""One database and one S3 store below several processes: a service each, or replicas of everything."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import muniment
import pytest
from harness.api import Api, refusal
from harness.processes import ProcessRunner, RunningProcess
from harness.s3 import S3Server
from harness.server import ServerFactory, ServerProcess
from muniment.ledger.evidence import InvalidEvidence
from muniment.ledger.keys import PublicKey, SigningKey
from muniment.ledger.receipt import verify_receipt
from muniment.v1 import catalog_pb2, promotion_service_pb2

HOMES = {
    "MetadataService": "metadata",
    "LedgerService": "metadata",
    "AccessService": "metadata",
    "ArtifactService": "artifact",
    "PromotionService": "promotion",
}

DAY = 86_400.0

Start = Callable[..., ServerProcess]


class Router(grpc.GenericRpcHandler):
    """Sends each call to the process that serves it, as the proxy in front of a real installation does.

    Bytes pass as they are; on the wire a unary call is a stream of one message.
    """

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._channels = {name: grpc.insecure_channel(address) for name, address in addresses.items()}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        method = handler_call_details.method
        home = HOMES[method.split("/")[1].rpartition(".")[2]]
        forward = self._channels[home].stream_stream(method)

        def behaviour(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            metadata = [pair for pair in context.invocation_metadata() if pair[0] == "authorization"]
            left = context.time_remaining()
            # A call without a deadline has one that lies too far away to be passed on.
            call = forward(requests, metadata=metadata, timeout=None if left is None or left > DAY else left)
            context.add_callback(call.cancel)
            try:
                yield from call
            except grpc.RpcError as error:
                context.set_trailing_metadata(tuple(error.trailing_metadata() or ()))
                context.abort(error.code(), error.details() or "")

        return grpc.stream_stream_rpc_method_handler(behaviour)

    def close(self) -> None:
        for channel in self._channels.values():
            channel.close()


@pytest.fixture
def in_s3(s3_server: S3Server, s3_bucket: str) -> tuple[str, ...]:
    """The settings of the bucket of this test, but for its secret."""
    return (
        *("--s3-endpoint", s3_server.endpoint, "--s3-bucket", s3_bucket, "--s3-plain-http"),
        *("--s3-access-key", s3_server.access_key),
    )


@pytest.fixture
def operate(
    processes: ProcessRunner,
    migrated_postgres_database: str,
    s3_server: S3Server,
    in_s3: tuple[str, ...],
    tmp_path: Path,
) -> Callable[..., dict[str, Any]]:
    """Runs a command of `muniment-server` beside the processes, and returns the last thing it prints."""

    def run(name: str, *arguments: str) -> dict[str, Any]:
        process = processes.start(
            *(sys.executable, "-m", "muniment_server", name, "--json", *arguments),
            *("--database", migrated_postgres_database, "--data", str(tmp_path / "operator"), *in_s3),
            name=name,
            env={"MUNIMENT_S3_SECRET_KEY": s3_server.secret_key},
        )
        assert process.wait() == 0, f"{process.lines}\n{process.stderr}"
        return dict(json.loads(process.lines[-1]))

    return run


@pytest.fixture
def start(
    server_factory: ServerFactory,
    migrated_postgres_database: str,
    s3_server: S3Server,
    in_s3: tuple[str, ...],
) -> Start:
    """Starts a process on the database and the bucket of this test."""

    def start_with(*arguments: str) -> ServerProcess:
        return server_factory(
            *in_s3,
            *arguments,
            database=migrated_postgres_database,
            migrate=False,
            env={"MUNIMENT_S3_SECRET_KEY": s3_server.secret_key},
        )

    return start_with


@pytest.fixture
def route() -> Iterator[Callable[[Mapping[str, str], str], Api]]:
    """Puts a router before processes: `route({"metadata": address, …}, token)`."""
    begun: list[tuple[grpc.Server, Router, Api]] = []

    def begin(addresses: Mapping[str, str], token: str) -> Api:
        router, server = Router(addresses), grpc.server(ThreadPoolExecutor(32), handlers=())
        server.add_generic_rpc_handlers((router,))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        begun.append((server, router, Api(f"127.0.0.1:{port}", token)))
        return begun[-1][2]

    yield begin
    for server, router, api in begun:
        api.close()
        server.stop(None).wait()
        router.close()


def test_three_processes_one_for_each_service_are_one_registry(
    start: Start,
    operate: Callable[..., dict[str, Any]],
    route: Callable[[Mapping[str, str], str], Api],
    registry_of: Callable[[Any], muniment.Registry],
    start_worker: Callable[..., RunningProcess],
    read_journal: Callable[[Path], list[dict[str, Any]]],
    write_model: Callable[..., Path],
    verify_version: Callable[[Api, catalog_pb2.Version], None],
    check_ledger: Callable[[Api], list[Any]],
    until: Callable[..., None],
    s3_server: S3Server,
    s3_bucket: str,
    tmp_path: Path,
) -> None:
    artifact = start("--service", "artifact")
    metadata = start("--service", "metadata", "--artifact-peer", artifact.address)
    promotion = start("--service", "promotion", "--artifact-peer", artifact.address)
    addresses = {
        "metadata": metadata.address,
        "artifact": artifact.address,
        "promotion": promotion.address,
    }
    api = route(addresses, artifact.token)
    registry = registry_of(api)
    journal = tmp_path / "watch.jsonl"
    start_worker("watch_on", api, journal).wait_for_line("^watching$")

    sources = [write_model(seed, 3, 700_000) for seed in (1, 2)]
    for number, source in enumerate(sources, 1):
        version = registry.push("churn", source)
        assert version.number == number
        registry.promote(version, to="production", reason="better")
        verify_version(api, version.message)
    registry.rollback("churn", stage="production")
    pulled = registry.pull("churn@production", tmp_path / "pulled")
    assert {path.name: path.read_bytes() for path in pulled.iterdir()} == {
        path.name: path.read_bytes() for path in sources[0].iterdir()
    }
    bodies = s3_server.root / s3_bucket / "predictions"
    predicted = _predicted(registry, until, version="churn@production", bodies=bodies)
    # What one process archives, another one moves within the bucket, and a third has brought back.
    registry.archive("churn@2", reason="obsolete")
    assert operate("gc", "--delete", "--grace", "0s")["archived_manifests"] == 1
    with pytest.raises(muniment.errors.BytesArchived):
        registry.pull("churn@2", tmp_path / "refused", overwrite=True)
    assert registry.restore("churn@2").state == "READY"
    assert operate("fsck", "--bytes")["differences"] == 0
    entries = check_ledger(api)
    moves = [(entry.type, entry.number) for entry in entries if entry.stage]
    assert moves == [("stage.promoted", 1), ("stage.promoted", 2), ("stage.rolled_back", 1)]
    expected = [entry.revision for entry in entries if entry.project]
    until(lambda: len(read_journal(journal)) >= len(expected), "the watcher has seen all")
    assert [line["revision"] for line in read_journal(journal)] == expected

    # Bytes cannot be verified without the artifact service, so nothing moves; what needs no bytes goes on.
    artifact.kill9()
    request = promotion_service_pb2.RequestPromotionRequest(
        version=f"{api.parent()}/models/churn/versions/2", stage="production", request_id="while-away"
    )
    with pytest.raises(grpc.RpcError) as away:
        api.promotion.RequestPromotion(request)
    assert refusal(away.value)[:2] == (grpc.StatusCode.UNAVAILABLE, "PEER_UNAVAILABLE")
    registry.alias("churn", "champion", to=2)
    assert registry.trace(predicted).version.number == 1
    artifact.restart()
    until(lambda: _answered(api, request), "the artifact service is found again")
    assert registry.stage("churn", "production").number == 2
    check_ledger(api)
    for process in (metadata, artifact, promotion):
        process.stop()
    # All of them kept the newest checkpoint in one place.
    assert any((s3_server.root / s3_bucket / "anchor").iterdir())


def _predicted(registry: muniment.Registry, until: Callable[..., None], *, version: str, bodies: Path) -> str:
    """Has predictions recorded, sealed into the bucket, traced and proven; the id of one."""
    with registry.predictions(version, keep_payload=True) as recorder:
        ids = [recorder.record(input={"row": number}, output=number / 7) for number in range(20)]
        recorder.flush()
        assert (recorder.acknowledged, recorder.dropped) == (20, 0)
    assert any(path.is_file() for path in bodies.rglob("*"))
    assert sorted(one.id for one in registry.list_predictions(version)) == sorted(ids)
    assert registry.count_predictions(version).count == 20
    traced = registry.trace(ids[7])
    assert traced.prediction.input == b'{"row":7}'
    until(lambda: _is_signed(registry, ids[7]), "the signature of the batch")
    receipt = registry.receipt(ids[7])
    keys = [PublicKey.parse(key.key) for key in registry.audit.log_keys()]
    proven = verify_receipt(receipt.content, keys)
    assert proven.prediction == traced.prediction.message
    with pytest.raises(InvalidEvidence):
        verify_receipt(receipt.content, [SigningKey.from_seed(keys[0].name, bytes(32)).public])
    return ids[7]


def _is_signed(registry: muniment.Registry, prediction: str) -> bool:
    try:
        registry.receipt(prediction)
    except muniment.errors.CheckpointPending:
        return False
    return True


def _answered(api: Api, request: promotion_service_pb2.RequestPromotionRequest) -> bool:
    try:
        api.promotion.RequestPromotion(request)
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
        return False
    return True


def test_two_replicas_write_one_ledger_and_what_one_writes_the_other_tells(
    start: Start,
    registry_of: Callable[[Any], muniment.Registry],
    start_worker: Callable[..., RunningProcess],
    read_journal: Callable[[Path], list[dict[str, Any]]],
    check_ledger: Callable[[Api], list[Any]],
    list_versions: Callable[[Api, str], list[catalog_pb2.Version]],
    until: Callable[..., None],
    tmp_path: Path,
) -> None:
    first, second = start(), start()
    with Api(first.address, first.token) as one, Api(second.address, first.token) as other:
        journals = [tmp_path / "watch-1.jsonl", tmp_path / "watch-2.jsonl"]
        for api, journal in zip((one, other), journals, strict=True):
            start_worker("watch_on", api, journal).wait_for_line("^watching$")
        each, go = 15, tmp_path / "go"
        pushers = [
            start_worker("push_many", api, "churn", each, tmp_path / f"pusher-{number}", go)
            for number, api in enumerate((one, other, one, other))
        ]
        for pusher in pushers:
            pusher.wait_for_line("^ready$")
        go.touch()
        # Meanwhile both also move one pointer, each step only from where it believes the pointer to be.
        until(lambda: all(len(pusher.lines) > 2 for pusher in pushers), "all push")
        won = _race_for_a_stage(one, other)
        for pusher in pushers:
            assert pusher.wait(deadline=120) == 0, pusher.stderr
        numbers = sorted(int(line) for pusher in pushers for line in pusher.lines[1:])
        assert numbers == list(range(1, 4 * each + 1))
        assert [version.number for version in list_versions(other, "churn")] == numbers
        assert [(e.leaf_hash, e.body) for e in check_ledger(one)] == [
            (e.leaf_hash, e.body) for e in check_ledger(other)
        ]
        entries = check_ledger(one)
        moves = [(entry.previous_number, entry.number) for entry in entries if entry.type == "stage.promoted"]
        assert len(moves) == won
        assert [before for before, _ in moves[1:]] == [after for _, after in moves[:-1]]
        expected = [entry.revision for entry in entries if entry.project]
        for journal in journals:
            until(lambda at=journal: len(read_journal(at)) >= len(expected), "both watchers saw all")
            assert [line["revision"] for line in read_journal(journal)] == expected
        pulled = registry_of(other).pull("churn@latest", tmp_path / "pulled")
        assert (pulled / "weights.bin").stat().st_size == 20_000


def _race_for_a_stage(one: Api, other: Api) -> int:
    """Both move the stage between versions 1 and 2; returns how many moves were answered with success."""
    won: list[str] = []
    unexpected: list[object] = []

    def move(api: Api) -> None:
        for step in range(20):
            number = 1 + step % 2
            request = promotion_service_pb2.RequestPromotionRequest(
                version=f"{api.parent()}/models/churn/versions/{number}", stage="staging"
            )
            stage = promotion_service_pb2.GetStageRequest(name=f"{api.parent()}/models/churn/stages/staging")
            request.expected_current = api.promotion.GetStage(stage).number
            try:
                won.append(api.promotion.RequestPromotion(request).name)
            except grpc.RpcError as error:
                found = refusal(error).reason
                if found not in ("CURRENT_MISMATCH", "ALREADY_CURRENT"):
                    unexpected.append(found)

    threads = [threading.Thread(target=move, args=(api,)) for api in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not unexpected
    assert won
    return len(won)
