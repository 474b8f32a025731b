"""How many streams of bytes a server carries, and what becomes of those that nobody reads."""

from __future__ import annotations

from contextlib import suppress

import grpc
import pytest
from muniment.digests import Digest
from muniment.v1 import artifact_service_pb2 as pb
from muniment_artifact.limits import Limits

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

DATA = bytes(3_000_000)
TOKEN = (("authorization", "Bearer mun_test"),)


@pytest.fixture
def limits() -> Limits:
    """One stream each way."""
    return Limits(max_chunk_bytes=4_000_000, max_read_streams=1, max_put_streams=1)


@pytest.fixture
async def manifest(client) -> pb.Manifest:
    """A file larger than what gRPC takes for a client that does not read."""
    while True:
        # A machine that is busy may be as slow as a client that is let go; the whole test has a deadline.
        with suppress(client.Refused):
            return await client.push({"model": [DATA]})


def _unread(client, manifest: pb.Manifest) -> grpc.aio.UnaryStreamCall:
    request = pb.ReadRangesRequest(
        parent="projects/default", digest=manifest.digest, ranges=[pb.ByteRange(path="model")] * 100
    )
    return client.stub.ReadRanges(request, metadata=TOKEN, timeout=60)


async def test_one_stream_too_many_is_told_to_come_back(client) -> None:
    put = client.open_put()
    await put.write(pb.PutChunksRequest(parent="projects/default"))
    for frame in client.frames(b"held", 1_000_000):
        await put.write(frame)
    await put.read()
    with pytest.raises(client.Refused) as refused:
        await client.put([b"other"])
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.UNAVAILABLE, "TRANSFERS_BUSY")
    await put.done_writing()
    assert await put.read() == grpc.aio.EOF
    assert await client.put([b"other"]) == [Digest.of(b"other").text]


@pytest.mark.parametrize("stall_seconds", [0.3])
async def test_a_stream_that_is_not_read_makes_room_for_others(client, manifest) -> None:
    stalled = _unread(client, manifest)
    await stalled.read()
    frames = []
    while not frames:
        # Refused as long as the other one holds the only turn; the whole test has a deadline.
        with suppress(client.Refused):
            frames = await client.read(manifest.digest, [("model", 0, 0)])
    assert sum(len(frame.data) for frame in frames) == len(DATA)
    stalled.cancel()
