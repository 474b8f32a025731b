"""A client that opens a stream of chunks and falls silent is let go, and loses nothing that was acknowledged."""

from __future__ import annotations

import grpc
import pytest
from muniment.digests import Digest
from muniment.v1 import artifact_service_pb2 as pb

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

PARENT = pb.PutChunksRequest(parent="projects/default")


@pytest.fixture
def stall_seconds() -> float:
    """Short, as these tests wait for it."""
    return 0.3


async def silence(stream: grpc.aio.StreamStreamCall) -> grpc.aio.AioRpcError:
    """How the server ends a stream on which nothing more comes."""
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await stream.read()
    assert ended.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert ended.value.details() == (
        "stream stood still for 0.3 s, which ends it: open it again, what was acknowledged is kept"
    )
    return ended.value


async def test_a_stream_without_a_first_message_is_ended(client) -> None:
    stream = client.open_put()
    await silence(stream)


async def test_a_stream_that_names_its_project_and_sends_no_chunk_is_ended(client) -> None:
    stream = client.open_put()
    await stream.write(PARENT)
    await silence(stream)


async def test_of_a_chunk_that_is_not_continued_nothing_stays(client) -> None:
    stream = client.open_put()
    await stream.write(PARENT)
    frames = client.frames(b"x" * 2_000_000, 1_000_000)
    await stream.write(frames[0])
    await silence(stream)
    await client.until_nothing_is_half_written()
    assert await client.plan([b"x" * 2_000_000]) == [Digest.of(b"x" * 2_000_000).text]


async def test_what_was_acknowledged_is_kept(client) -> None:
    stream = client.open_put()
    await stream.write(PARENT)
    for frame in client.frames(b"kept", 1_000_000):
        await stream.write(frame)
    assert (await stream.read()).digest == Digest.of(b"kept").text
    await silence(stream)
    assert await client.plan([b"kept"]) == []


async def test_the_reason_is_told_to_programs(client) -> None:
    stream = client.open_put()
    error = await silence(stream)
    assert b"INVALID_FIELD" in dict(error.trailing_metadata())["grpc-status-details-bin"]
