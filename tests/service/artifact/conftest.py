"""A real server of the artifact service alone: gRPC, the writer, a database and a disk."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from harness.postgres import PostgresServer
from muniment.digests import Digest
from muniment.names import ModelName
from muniment.v1 import artifact_service_pb2 as pb
from muniment.v1 import artifact_service_pb2_grpc as pb_grpc
from muniment_artifact.blobs import BlobStore
from muniment_artifact.blobs.disk import DiskBlobStore
from muniment_artifact.collection.collect import collect
from muniment_artifact.collection.sweep import Stores
from muniment_artifact.limits import Limits
from muniment_artifact.servicer import ArtifactServicer, add_to_server
from muniment_core.db.database import Database
from muniment_core.db.tables import ledger_head, metadata
from muniment_core.db.writer import Change, Writer
from muniment_core.domain.access import SYSTEM, Principal, Role
from muniment_core.domain.catalog import FrozenRecord, NewVersion
from muniment_core.domain.merkle import Frontier
from muniment_core.domain.tiers import Shelf
from muniment_core.rpc.auth import Authorizer
from muniment_core.rpc.execution import Execution
from muniment_core.rpc.interceptor import CallInterceptor
from muniment_core.rpc.paging import PageTokens
from muniment_core.rpc.permissions import access_rules
from muniment_core.rpc.stall import STALL_SECONDS
from muniment_metadata.models import create_model
from muniment_metadata.versions import create_version
from sqlalchemy import delete, insert, text

PROJECTS = ("default", "other")
MODEL = ModelName("default", "churn")
AT_ONCE = timedelta(days=-36_500)
"""A grace period that makes everything old, whatever the clock of the disk says."""
LEDGER = {"ledger_head", "ledger_entries", "ledger_nodes"}
"""What tests that share a database add to, one after the other."""
_DESCRIPTOR = pb.DESCRIPTOR.services_by_name["ArtifactService"]
_TOKEN = (("authorization", "Bearer mun_test"),)


@pytest.fixture(scope="session")
def shared_postgres(postgres: PostgresServer) -> Iterator[str]:
    """URL of a database that tests share one after the other: making one takes longer than a test."""
    with postgres.database() as url:
        _make_registry(Database(url))
        yield url


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty registry in a file, to be copied: making one takes longer than most tests."""
    directory = tmp_path_factory.mktemp("empty")
    _make_registry(Database.embedded(directory))
    return directory / Database.FILE


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty registry in each of the databases."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("empty_file"), tmp_path)
        opened = Database.embedded(tmp_path)
    else:
        opened = Database(request.getfixturevalue("shared_postgres"))
        with opened.writing() as connection:
            # Row by row and past the foreign keys: emptying so many tables at once takes longer than most tests.
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            for table in metadata.tables.values():
                if table.name not in LEDGER:
                    connection.execute(delete(table))
    yield opened
    opened.close()


def _make_registry(database: Database) -> None:
    with database.writing() as connection:
        metadata.create_all(connection)
        empty = Frontier()
        connection.execute(
            insert(ledger_head).values(
                id=1, size=0, root_hash=empty.root, frontier=empty.to_bytes(), alarm=""
            )
        )
    database.close()


@pytest.fixture
def execution(database: Database) -> Iterator[Execution]:
    """The seam, with the writer running and two projects."""

    def clock() -> datetime:
        return datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    writer = Writer(database, clock, on_commit=lambda entries: None)
    writer.start()
    for name in PROJECTS:
        writer.submit(
            Change(
                lambda unit, name=name: unit.projects.create(name, description="", now=unit.now, revision=0),
                "test",
                recorded=False,
            )
        ).result()
    seam = Execution(database, writer, clock)
    yield seam
    writer.stop()
    seam.close()


@pytest.fixture
def limits() -> Limits:
    """Small limits, so that tests reach them with few bytes."""
    return Limits(
        max_chunk_bytes=4_000_000,
        max_unacked_bytes=5_000_000,
        max_unacked_chunks=4,
        max_files=50,
        max_commit_chunks=200,
    )


@pytest.fixture
def stall_seconds() -> float:
    """How long a stream may stand still."""
    return STALL_SECONDS


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    """The store of the server, on disk."""
    return DiskBlobStore(tmp_path)


@pytest.fixture
def cold(tmp_path: Path) -> BlobStore:
    """The cold tier of the server, on disk."""
    return DiskBlobStore(tmp_path / "cold")


@pytest.fixture
def stores(blobs: BlobStore, cold: BlobStore) -> Stores:
    """The stores that collection looks after."""
    return {Shelf.HOT: blobs, Shelf.COLD: cold}


@pytest.fixture
async def client(
    execution: Execution, stores: Stores, limits: Limits, stall_seconds: float, tmp_path: Path
) -> AsyncIterator[Client]:
    """A client of a running server; fails when half-written files are left at the end."""

    async def admin(_key: bytes) -> Principal:
        return Principal(name="tester", roles={}, instance_roles=frozenset({Role.ADMIN}))

    interceptors = (
        CallInterceptor(Authorizer(access_rules([_DESCRIPTOR]), admin), stall_seconds=stall_seconds),
    )
    server = grpc.aio.server(interceptors=interceptors, options=(("grpc.so_reuseport", 0),))
    add_to_server(
        ArtifactServicer(
            execution,
            stores[Shelf.HOT],
            limits,
            PageTokens(b"test"),
            cold=stores[Shelf.COLD],
            stall_seconds=stall_seconds,
            wait_seconds=min(stall_seconds, 0.2),
        ),
        server,
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    address = f"127.0.0.1:{port}"
    async with grpc.aio.insecure_channel(address) as channel:
        talking = Client(pb_grpc.ArtifactServiceStub(channel), tmp_path, address)
        yield talking
        await talking.until_nothing_is_half_written()
    await server.stop(grace=5)


@pytest.fixture
def register(execution):
    """Registers a manifest as the next version of a model; `register(digest)`."""

    async def make(digest: str):
        new = NewVersion(digest=digest, description="", tags={}, frozen=FrozenRecord(), metrics=())
        return await execution.record(
            lambda unit: create_version(unit, MODEL, new, principal=SYSTEM), actor="ann"
        )

    return make


@pytest.fixture
async def model(execution) -> None:
    """The model that versions are of."""
    await execution.record(lambda unit: create_model(unit, MODEL, description="", tags={}), actor="ann")


@pytest.fixture
def run(execution, stores):
    """Collects; `run(grace)`."""

    async def collecting(grace: timedelta = AT_ONCE, *, drop_archived: bool = False):
        return await collect(execution, stores, grace=grace, drop_archived=drop_archived)

    return collecting


@dataclass
class Refused(Exception):
    """A call was refused."""

    code: grpc.StatusCode
    reason: str
    facts: dict[str, str]
    message: str
    acknowledged: list[str] = field(default_factory=list)


def refusal(error: Any) -> Refused:
    """What the details of a status say."""
    for key, value in error.trailing_metadata():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            info = error_details_pb2.ErrorInfo()
            assert status.details[0].Unpack(info)
            return Refused(error.code(), info.reason, dict(info.metadata), status.message)
    return Refused(error.code(), "", {}, error.details() or "")


def chunk(data: bytes) -> pb.Chunk:
    """The chunk of bytes."""
    return pb.Chunk(digest=Digest.of(data).text, size=len(data))


def file(path: str, *chunks: bytes) -> pb.FileEntry:
    """The file made of chunks."""
    data = b"".join(chunks)
    return pb.FileEntry(
        path=path, digest=Digest.of(data).text, size=len(data), chunks=[chunk(part) for part in chunks]
    )


def frames(data: bytes, frame_bytes: int) -> list[pb.PutChunksRequest]:
    """The frames of a chunk."""
    messages = [
        pb.PutChunksRequest(offset=offset, data=data[offset : offset + frame_bytes])
        for offset in range(0, len(data), frame_bytes)
    ]
    messages[0].digest, messages[0].size = Digest.of(data).text, len(data)
    return messages


class Client:
    """Speaks the contract, frame by frame, so that tests can also speak it wrongly."""

    chunk = staticmethod(chunk)
    file = staticmethod(file)
    frames = staticmethod(frames)
    Refused = Refused
    token = _TOKEN

    def __init__(self, stub: pb_grpc.ArtifactServiceStub, root: Path, address: str) -> None:
        self.stub = stub
        self._root = root
        self._address = address

    async def call(self, method: str, request: object) -> object:
        """A unary call; raises Refused."""
        try:
            return await getattr(self.stub, method)(request, metadata=_TOKEN, timeout=60)
        except grpc.aio.AioRpcError as error:
            raise refusal(error) from error

    async def plan(self, chunks: Iterable[bytes], project: str = "default") -> list[str]:
        """Digests of the chunks that are missing."""
        request = pb.PlanUploadRequest(parent=f"projects/{project}", chunks=[chunk(data) for data in chunks])
        return list((await self.call("PlanUpload", request)).missing)

    def open_put(self) -> grpc.aio.StreamStreamCall:
        """A PutChunks stream to write to and read from by hand."""
        return self.stub.PutChunks(metadata=_TOKEN, timeout=60)

    async def put(
        self, chunks: Sequence[bytes], project: str = "default", *, frame_bytes: int = 1_000_000
    ) -> list[str]:
        """Send chunks and return the digests that were acknowledged."""
        messages = [message for data in chunks for message in frames(data, frame_bytes)]
        return await self.put_messages([pb.PutChunksRequest(parent=f"projects/{project}"), *messages])

    async def put_messages(self, messages: Sequence[pb.PutChunksRequest]) -> list[str]:
        """Send messages as they are; Refused knows what had been acknowledged."""
        return await asyncio.to_thread(self._put_messages, messages)

    def _put_messages(self, messages: Sequence[pb.PutChunksRequest]) -> list[str]:
        # Not by grpc.aio: when a server ends a stream that is still being written, it tells "Internal error from
        # Core" now and then instead of the server's status.
        acknowledged: list[str] = []
        with grpc.insecure_channel(self._address) as channel:
            stub = pb_grpc.ArtifactServiceStub(channel)
            try:
                for response in stub.PutChunks(iter(messages), metadata=_TOKEN, timeout=60):
                    acknowledged.append(response.digest)
            except grpc.RpcError as error:
                refused = refusal(error)
                refused.acknowledged = acknowledged
                raise refused from error
        return acknowledged

    async def commit(self, files: Sequence[pb.FileEntry], project: str = "default") -> pb.Manifest:
        """Commit files."""
        return await self.call(
            "CommitUpload", pb.CommitUploadRequest(parent=f"projects/{project}", files=files)
        )

    async def push(self, files: dict[str, list[bytes]], project: str = "default") -> pb.Manifest:
        """Send and commit files, given as their chunks."""
        await self.put([data for chunks in files.values() for data in chunks], project)
        return await self.commit([file(path, *chunks) for path, chunks in files.items()], project)

    async def read(
        self, digest: str, ranges: Sequence[tuple[str, int, int]], project: str = "default"
    ) -> list[pb.ReadRangesResponse]:
        """All frames of ranges; Refused knows how many had come."""
        request = pb.ReadRangesRequest(
            parent=f"projects/{project}",
            digest=digest,
            ranges=[pb.ByteRange(path=path, offset=offset, length=length) for path, offset, length in ranges],
        )
        received: list[pb.ReadRangesResponse] = []
        try:
            async for response in self.stub.ReadRanges(request, metadata=_TOKEN, timeout=60):
                received.append(response)
        except grpc.aio.AioRpcError as error:
            refused = refusal(error)
            refused.acknowledged = [str(len(response.data)) for response in received]
            raise refused from error
        return received

    async def drain(self, stream: grpc.aio.UnaryStreamCall) -> None:
        """Read a stream to its end; raises Refused."""
        try:
            async for _ in stream:
                pass
        except grpc.aio.AioRpcError as error:
            raise refusal(error) from error

    def blob_path(self, data: bytes) -> Path:
        """Where the store keeps a blob."""
        digest = Digest.of(data)
        return self._root / "cas" / "sha256" / digest.hex[:2] / digest.hex

    def half_written(self) -> list[str]:
        """Temporary files of the store."""
        return [path.name for path in (self._root / "cas" / "incoming").iterdir()]

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something the server does by itself."""
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, what
            await asyncio.sleep(0.01)

    async def until_nothing_is_half_written(self) -> None:
        """Wait until the store holds whole blobs only."""
        await self.until(lambda: not self.half_written(), f"left over: {self.half_written()}")
