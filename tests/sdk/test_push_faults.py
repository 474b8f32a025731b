"""Pushes that cannot end well: files that change meanwhile, links in a circle, and registries that misbehave."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partialmethod
from pathlib import Path

import grpc
import muniment
import pytest
from harness.api import Api, refusal
from harness.server import ServerProcess
from muniment import errors
from muniment.digests import Digest
from muniment.transfer.upload import _CEILINGS
from muniment.transport.calls import Calls
from muniment.v1 import artifact_service_pb2 as pb
from muniment.v1 import artifact_service_pb2_grpc

MIB = 1024 * 1024
SIZE = 20 * MIB
BUDGET = 4 * MIB
PAUSE_SECONDS = 0.1


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _rewrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"changed")


def _replace(path: Path) -> None:
    other = path.with_name(".other")
    other.write_bytes(bytes(SIZE))
    other.rename(path)


def _shrink(path: Path) -> None:
    os.truncate(path, MIB)


@pytest.mark.parametrize("moment", ["hash", "push"])
@pytest.mark.parametrize("change", [_grow, _shrink, _rewrite, _replace, Path.unlink])
def test_a_file_that_changes_while_it_is_pushed_makes_no_version(
    registry: muniment.Registry, tmp_path: Path, change: Callable[[Path], None], moment: str
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights").write_bytes(os.urandom(SIZE))
    changed: list[str] = []

    def tell(phase: str, _done: int, _total: int) -> None:
        if phase == moment and not changed:
            changed.append(phase)
            change(model / "weights")

    with pytest.raises(errors.FileChanged, match="weights"):
        registry.push("churn", model, progress=tell)
    assert changed == [moment]
    assert list(registry.models()) == []


@pytest.mark.parametrize(
    ("call", "forbidden"),
    [
        ("open", "model/deep/weights"),
        ("scandir", "model/deep"),
        ("scandir", "model"),
        ("lstat", "model"),
        ("stat", "model/deep/weights"),
    ],
)
def test_a_path_that_may_not_be_read_is_named_and_makes_no_version(
    registry: muniment.Registry,
    tmp_path: Path,
    forbid: Callable[[str, Path], None],
    call: str,
    forbidden: str,
) -> None:
    (tmp_path / "model" / "deep").mkdir(parents=True)
    (tmp_path / "model" / "config").write_bytes(b"readable")
    (tmp_path / "model" / "deep" / "weights").write_bytes(b"secret")
    forbid(call, tmp_path / forbidden)
    with pytest.raises(errors.CannotRead) as refused:
        registry.push("churn", tmp_path / "model")
    assert refused.value.message == f"{tmp_path / forbidden} cannot be read: Permission denied"
    assert list(registry.models()) == []


@pytest.mark.parametrize("target", [".", "..", "loop", "deep/loop"])
def test_links_in_a_circle_are_refused(registry: muniment.Registry, tmp_path: Path, target: str) -> None:
    model = tmp_path / "model"
    (model / "deep").mkdir(parents=True)
    (model / "file").write_bytes(b"x")
    (model / "deep" / "loop").symlink_to(target)
    (model / "loop").symlink_to("deep/loop")
    with pytest.raises(errors.SymlinkRefused):
        registry.push("churn", model)
    assert list(registry.models()) == []


class Misbehaving(artifact_service_pb2_grpc.ArtifactServiceServicer):
    """Lacks everything, and does with what it is sent what a test wants."""

    def __init__(self) -> None:
        self.address = ""
        self.received = 0
        self.largest_frame = 0
        self.largest_plan = 0
        self.capabilities = pb.Capabilities(
            max_chunk_bytes=16 * MIB,
            max_frame_bytes=MIB,
            max_files=100,
            max_plan_chunks=1_000,
            max_unacked_bytes=BUDGET,
            max_commit_chunks=10_000,
        )
        self.ended = threading.Event()
        self.answers: Callable[[Iterator[pb.PutChunksRequest]], Iterator[pb.PutChunksResponse]] = self.silent
        self.missing: Callable[[pb.PlanUploadRequest], list[str]] = lambda request: [
            chunk.digest for chunk in request.chunks
        ]
        self.manifest = pb.Manifest()

    def GetCapabilities(self, request: pb.GetCapabilitiesRequest, context: object) -> pb.Capabilities:
        return self.capabilities

    def PlanUpload(self, request: pb.PlanUploadRequest, context: object) -> pb.PlanUploadResponse:
        self.largest_plan = max(self.largest_plan, len(request.chunks))
        return pb.PlanUploadResponse(missing=self.missing(request))

    def PutChunks(
        self, requests: Iterator[pb.PutChunksRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.PutChunksResponse]:
        context.add_callback(self.ended.set)
        yield from self.answers(requests)

    def CommitUpload(self, request: pb.CommitUploadRequest, context: object) -> pb.Manifest:
        return self.manifest

    def silent(self, requests: Iterator[pb.PutChunksRequest]) -> Iterator[pb.PutChunksResponse]:
        """Takes what comes and acknowledges nothing."""
        for message in requests:
            self._count(message)
        self.ended.wait()
        yield from ()

    def acknowledging(self, requests: Iterator[pb.PutChunksRequest]) -> Iterator[pb.PutChunksResponse]:
        """Acknowledges everything."""
        for message in requests:
            self._count(message)
            if message.digest:
                yield pb.PutChunksResponse(digest=message.digest, size=message.size)

    def withholding(self, requests: Iterator[pb.PutChunksRequest]) -> Iterator[pb.PutChunksResponse]:
        """Acknowledges all but the first chunk, one after the other."""
        first = ""
        for message in requests:
            self._count(message)
            first = first or message.digest
            if message.digest and message.digest != first:
                time.sleep(PAUSE_SECONDS)
                yield pb.PutChunksResponse(digest=message.digest, size=message.size)

    def _count(self, message: pb.PutChunksRequest) -> None:
        self.received += len(message.data)
        self.largest_frame = max(self.largest_frame, len(message.data))


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    """The misbehaving registry."""
    servicer = Misbehaving()
    running = grpc.server(ThreadPoolExecutor(8), options=(("grpc.so_reuseport", 0),))
    artifact_service_pb2_grpc.add_ArtifactServiceServicer_to_server(servicer, running)
    servicer.address = f"127.0.0.1:{running.add_insecure_port('127.0.0.1:0')}"
    running.start()
    yield servicer
    servicer.ended.set()
    running.stop(grace=None).wait()


@pytest.fixture
def push(
    server: Misbehaving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], object]]:
    """Pushes a file of several chunks to the misbehaving registry, with little patience."""
    monkeypatch.setattr("muniment.transfer.patience.ATTEMPTS", 2)
    monkeypatch.setattr("muniment.transfer.patience.FIRST_PAUSE", 0.001)
    path = tmp_path / "model.bin"
    path.write_bytes(os.urandom(SIZE))
    with muniment.connect(server.address, token="mun_x") as registry:
        yield lambda: registry.push("churn", path)


def test_an_acknowledgement_that_never_comes_is_not_waited_for_for_ever(
    server: Misbehaving, push: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Streams alone are in a hurry: a busy machine may take its time for everything else.
    monkeypatch.setattr(Calls, "stream", partialmethod(Calls.stream, stall=2.0))
    with pytest.raises(errors.DeadlineExceeded, match="nothing came from or went to"):
        push()
    # Twice, and each time no more than may be on its way, or the one chunk that is larger than that.
    assert server.received <= 2 * BUDGET


def test_a_registry_that_allows_more_than_fits_into_memory_is_sent_no_more_than_usual(
    server: Misbehaving, push: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit, field in server.capabilities.DESCRIPTOR.fields_by_name.items():
        if limit.startswith("max_"):
            most = 2**31 - 1 if field.type == field.TYPE_INT32 else 2**63 - 1
            setattr(server.capabilities, limit, most)
    monkeypatch.setitem(_CEILINGS, "max_plan_chunks", 3)
    monkeypatch.setitem(_CEILINGS, "max_unacked_bytes", BUDGET)
    monkeypatch.setattr(Calls, "stream", partialmethod(Calls.stream, stall=2.0))
    with pytest.raises(errors.DeadlineExceeded):
        push()
    assert server.largest_frame == MIB
    assert server.largest_plan == 3
    assert server.received <= 2 * BUDGET


def test_a_chunk_is_not_waited_for_for_ever_while_others_are_acknowledged(
    server: Misbehaving, push: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("muniment.transfer.pace.GRACE_SECONDS", 2 * PAUSE_SECONDS)
    monkeypatch.setattr("muniment.transfer.pace.LEAST_BYTES_PER_SECOND", 2**40)
    server.capabilities.max_unacked_bytes = SIZE
    server.answers = server.withholding
    with pytest.raises(errors.DeadlineExceeded, match="was not acknowledged in its time"):
        push()


@pytest.mark.parametrize("digest", ["", Digest.of(b"never sent").text])
def test_an_acknowledgement_of_what_was_not_sent_is_not_believed(
    server: Misbehaving, push: Callable[[], object], digest: str
) -> None:
    def answer(requests: Iterator[pb.PutChunksRequest]) -> Iterator[pb.PutChunksResponse]:
        next(requests)
        while not server.ended.wait(0.01):
            yield pb.PutChunksResponse(digest=digest, size=2**62)

    server.answers = answer
    with pytest.raises(errors.Internal, match="which was not on its way"):
        push()


def test_a_stream_that_the_registry_ends_early_is_told(
    server: Misbehaving, push: Callable[[], object]
) -> None:
    server.answers = lambda requests: iter(())
    with pytest.raises(errors.Internal, match="ended a stream of chunks before all were sent"):
        push()


def test_a_stream_that_ends_with_a_chunk_unacknowledged_is_told(
    server: Misbehaving, push: Callable[[], object]
) -> None:
    server.capabilities.max_unacked_bytes = SIZE
    server.answers = server.withholding
    with pytest.raises(errors.Internal, match="before all were acknowledged"):
        push()


def test_a_registry_that_asks_for_what_was_not_offered_is_not_obeyed(
    server: Misbehaving, push: Callable[[], object]
) -> None:
    server.missing = lambda request: [Digest.of(b"/etc/passwd").text]
    with pytest.raises(errors.Internal, match="was not offered"):
        push()
    assert server.received == 0


def test_a_manifest_of_other_files_than_were_sent_is_not_registered(
    server: Misbehaving, push: Callable[[], object]
) -> None:
    server.answers = server.acknowledging
    body = b'{"layers":[]}'
    server.manifest = pb.Manifest(digest=Digest.of(body).text, body=body)
    with pytest.raises(errors.Internal, match="committed another manifest"):
        push()


def test_a_frame_ten_times_too_large_is_refused(shared_server: ServerProcess) -> None:
    frame = pb.PutChunksRequest(
        parent="projects/default", digest=Digest.of(b"x").text, size=10 * MIB, data=bytes(10 * MIB)
    )
    with Api(shared_server.address, shared_server.token) as api:
        with pytest.raises(grpc.RpcError) as refused:
            list(api.artifact.PutChunks(iter([frame])))
    assert refusal(refused.value)[:2] == (grpc.StatusCode.INVALID_ARGUMENT, "LIMIT_EXCEEDED")


@pytest.mark.parametrize("method", ["PlanUpload", "CommitUpload"])
def test_millions_of_empty_messages_in_a_request_are_refused_unread(
    shared_server: ServerProcess, method: str
) -> None:
    request = b"\x0a\x10projects/default" + b"\x12\x00" * (4 * MIB)
    with grpc.insecure_channel(shared_server.address) as channel:
        call = channel.unary_unary(f"/muniment.v1.ArtifactService/{method}")
        with pytest.raises(grpc.RpcError) as refused:
            call(request, metadata=(("authorization", f"Bearer {shared_server.token}"),))
    assert refusal(refused.value)[:2] == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
