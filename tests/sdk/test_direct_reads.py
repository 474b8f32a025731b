"""Chunks come from the store itself where the registry gives addresses, and from the registry when that fails."""

from __future__ import annotations

import itertools
import logging
import random
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import muniment
import pytest
from harness.api import Api, refused
from harness.faulty_s3 import Choose, Fault, FaultyS3, script
from harness.processes import ProcessRunner
from harness.s3 import S3Server
from harness.server import ServerFactory, ServerProcess
from minio import Minio
from muniment.digests import Digest
from muniment.transfer import store_connection
from muniment.transfer.direct import MOST_BYTES, DirectReads
from muniment.v1 import artifact_service_pb2 as pb

FILES = {"weights.bin": random.Random(1).randbytes(9_000_000), "card.md": b"hello", "empty": b""}


@pytest.fixture(scope="module")
def faulty(s3_server: S3Server) -> Iterator[FaultyS3]:
    """The way of clients to the S3 server; the registry has another."""
    with FaultyS3(s3_server.endpoint) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def direct_server(
    s3_server: S3Server, faulty: FaultyS3, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A server that lets clients go there."""
    directory = tmp_path_factory.mktemp("direct")
    runner = ProcessRunner(directory / "processes")
    keys = ("--s3-access-key", s3_server.access_key, "--s3-secret-key", s3_server.secret_key)
    try:
        yield ServerFactory(runner, directory)(
            *("--s3-endpoint", s3_server.endpoint, "--s3-bucket", s3_server.new_bucket(), "--s3-plain-http"),
            *("--s3-direct", "--s3-public-endpoint", f"http://{faulty.endpoint}", *keys),
        )
    finally:
        runner.reap()


@pytest.fixture
def connected(direct_server: ServerProcess) -> Iterator[muniment.Registry]:
    """A client that keeps nothing of what it pulled."""
    with muniment.connect(direct_server.address, token=direct_server.token, cache=False) as registry:
        yield registry


@pytest.fixture(scope="module")
def pushed(direct_server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> muniment.Version:
    """A version of several chunks."""
    model = tmp_path_factory.mktemp("model")
    for name, data in FILES.items():
        (model / name).write_bytes(data)
    with muniment.connect(direct_server.address, token=direct_server.token) as registry:
        return registry.push("direct", model)


def _pulled(registry: muniment.Registry, version: muniment.Version, into: Path) -> dict[str, bytes]:
    registry.pull(version, into)
    return {path.name: path.read_bytes() for path in into.iterdir()}


def _after(count: int, fault: Fault) -> Choose:
    """Some requests go well; from then on none does."""
    seen = itertools.count()
    return lambda _method, _path: fault if next(seen) >= count else None


def test_chunks_come_from_the_store_itself(
    connected: muniment.Registry, pushed: muniment.Version, faulty: FaultyS3, tmp_path: Path
) -> None:
    faulty.choose = script([])
    before = faulty.requests
    assert _pulled(connected, pushed, tmp_path / "out") == FILES
    assert faulty.requests - before > 4


@pytest.mark.parametrize("count", [0, 2])
@pytest.mark.parametrize(
    "fault",
    [Fault.BUSY, Fault.RESET, Fault.SHORT, Fault.WRONG, Fault.HANG, Fault.STUCK, Fault.TRICKLE],
)
def test_the_first_failure_lets_the_registry_send_the_rest(
    connected: muniment.Registry,
    pushed: muniment.Version,
    faulty: FaultyS3,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    count: int,
) -> None:
    monkeypatch.setattr(store_connection, "STILL_SECONDS", 3.0)
    monkeypatch.setattr(store_connection, "LEAST_BYTES_PER_SECOND", 2**40)
    faulty.choose = _after(count, fault)
    before = faulty.faults
    with caplog.at_level(logging.INFO, "muniment"):
        assert _pulled(connected, pushed, tmp_path / "out") == FILES
    told = [record for record in caplog.records if "from the registry instead" in record.message]
    assert len(told) == 1
    # Each of the lanes may have asked before the first was answered.
    assert 1 <= faulty.faults - before <= 4


def _at_nowhere(_registry: S3Server, address: str) -> str:
    """At a host whose name nobody knows."""
    return urlsplit(address)._replace(netloc="store.invalid:9000").geturl()


def _expired(store: S3Server, address: str) -> str:
    """Signed an hour ago, for a second."""
    _, bucket, key = urlsplit(address).path.split("/", 2)
    client = Minio(
        urlsplit(address).netloc,
        access_key=store.access_key,
        secret_key=store.secret_key,
        region=store.region,
        secure=False,
    )
    then = datetime.now(UTC) - timedelta(hours=1)
    return str(client.presigned_get_object(bucket, key, timedelta(seconds=1), request_date=then))


@pytest.mark.parametrize("spoilt", [_at_nowhere, _expired])
def test_an_address_that_leads_nowhere_any_more_lets_the_registry_send_the_bytes(
    connected: muniment.Registry,
    pushed: muniment.Version,
    faulty: FaultyS3,
    s3_server: S3Server,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    spoilt: Callable[[S3Server, str], str],
) -> None:
    faulty.choose = script([])
    given = DirectReads.addresses

    def spoil(self: DirectReads, digests: Iterable[str]) -> dict[str, str]:
        return {digest: spoilt(s3_server, address) for digest, address in given(self, digests).items()}

    monkeypatch.setattr(DirectReads, "addresses", spoil)
    with caplog.at_level(logging.INFO, "muniment"):
        assert _pulled(connected, pushed, tmp_path / "out") == FILES
    assert len([record for record in caplog.records if "from the registry instead" in record.message]) == 1


def test_a_pull_that_is_interrupted_does_not_wait_for_the_store(
    connected: muniment.Registry,
    direct_server: ServerProcess,
    faulty: FaultyS3,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A test that waits for so long has failed.
    monkeypatch.setattr(store_connection, "STILL_SECONDS", 3_600.0)
    path = tmp_path / "large.bin"
    path.write_bytes(random.Random(3).randbytes(40_000_000))
    version = connected.push("large", path)
    with Api(direct_server.address, direct_server.token) as api:
        wanted = pb.GetManifestRequest(parent=api.parent(), digest=version.digest)
        (file,) = api.artifact.GetManifest(wanted).files
    # The first segment is that of the lane which a signal interrupts.
    first = file.chunks[0].digest[7:]
    faulty.choose = lambda _method, path: None if first in path else Fault.HANG

    def interrupt(_phase: str, done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        connected.pull(version, tmp_path / "out", progress=interrupt)
    assert not (tmp_path / "out").exists()


def test_addresses_are_given_for_chunks_of_a_manifest_the_caller_may_read_and_nothing_else(
    direct_server: ServerProcess, pushed: muniment.Version
) -> None:
    with Api(direct_server.address, direct_server.token) as api:
        wanted = pb.GetManifestRequest(parent=api.parent(), digest=pushed.digest)
        chunks = [chunk.digest for file in api.artifact.GetManifest(wanted).files for chunk in file.chunks]
        other = api.commit({"other": b"of another manifest"})
        (foreign,) = (
            api.artifact.GetManifest(pb.GetManifestRequest(parent=api.parent(), digest=other)).files[0].chunks
        )
        request = pb.GetDirectReadsRequest(parent=api.parent(), digest=pushed.digest, chunks=chunks)
        answer = api.artifact.GetDirectReads(request)
        assert [read.chunk for read in answer.reads] == chunks
        assert all(read.chunk[7:] in read.url for read in answer.reads)
        assert api.artifact.GetCapabilities(pb.GetCapabilitiesRequest()).direct_reads
        for refused_chunks in ([foreign.digest], [], chunks[:1] * 1_001, ["sha256:x"]):
            del request.chunks[:]
            request.chunks.extend(refused_chunks)
            assert refused(api.artifact.GetDirectReads, request).code is grpc.StatusCode.INVALID_ARGUMENT
        request = pb.GetDirectReadsRequest(
            parent=f"projects/{api.new_project()}", digest=pushed.digest, chunks=chunks
        )
        assert refused(api.artifact.GetDirectReads, request).reason == "MANIFEST_NOT_FOUND"


@pytest.mark.parametrize(("size", "times"), [(MOST_BYTES, 1), (MOST_BYTES + 1, 0)])
def test_a_chunk_too_large_for_memory_comes_from_the_registry_in_frames(
    liar, lied_to, tmp_path: Path, size: int, times: int
) -> None:
    data = bytes(size)
    liar.add("f", data)
    digest = Digest.of(data).text
    liar.listed = [
        pb.FileEntry(path="f", digest=digest, size=size, chunks=[pb.Chunk(digest=digest, size=size)])
    ]
    assert _pulled(lied_to, liar.version, tmp_path / "out") == {"f": data}
    assert liar.asked_for_addresses == times
