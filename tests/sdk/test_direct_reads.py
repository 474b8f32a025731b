"""Chunks come from the store itself where the registry gives addresses, and from the registry when that fails."""

from __future__ import annotations

import itertools
import logging
import random
from collections.abc import Iterator
from pathlib import Path

import grpc
import muniment
import pytest
from harness.api import Api, refused
from harness.faulty_s3 import Choose, Fault, FaultyS3, script
from harness.processes import ProcessRunner
from harness.s3 import S3Server
from harness.server import ServerFactory, ServerProcess
from muniment.digests import Digest
from muniment.transfer.direct import MOST_BYTES
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
@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.RESET, Fault.SHORT, Fault.WRONG])
def test_the_first_failure_lets_the_registry_send_the_rest(
    connected: muniment.Registry,
    pushed: muniment.Version,
    faulty: FaultyS3,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    count: int,
) -> None:
    faulty.choose = _after(count, fault)
    before = faulty.faults
    with caplog.at_level(logging.INFO, "muniment"):
        assert _pulled(connected, pushed, tmp_path / "out") == FILES
    told = [record for record in caplog.records if "from the registry instead" in record.message]
    assert len(told) == 1
    # Each of the lanes may have asked before the first was answered.
    assert 1 <= faulty.faults - before <= 4


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
