"""A client that opens a stream of chunks and falls silent is let go, and loses nothing that was acknowledged."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from muniment.digests import Digest
from muniment.v1 import artifact_service_pb2 as pb

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

PARENT = pb.PutChunksRequest(parent="projects/default")
PATIENCE = "stream stood still for 0.3 s, which ends it: open it again, what was acknowledged is kept"


@pytest.fixture
def stall_seconds() -> float:
    """Short, as these tests wait for it."""
    return 0.3


async def opened(client, *messages: pb.PutChunksRequest, acknowledged: int = 0) -> grpc.aio.StreamStreamCall:
    """A stream on which these messages were sent, and acknowledged, before the server lost its patience.

    On a busy machine that takes longer now and then: then it is opened again.
    """
    while True:
        stream = client.open_put()
        try:
            for message in messages:
                await stream.write(message)
            for _ in range(acknowledged):
                assert await stream.read() is not grpc.aio.EOF
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            assert await stream.details() == PATIENCE
            continue
        return stream


async def silence(stream: grpc.aio.StreamStreamCall) -> grpc.aio.AioRpcError:
    """How the server ends a stream on which nothing more comes."""
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await stream.read()
    assert ended.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert ended.value.details() == PATIENCE
    return ended.value


async def test_a_stream_without_a_first_message_is_ended(client) -> None:
    await silence(await opened(client))


async def test_a_stream_that_names_its_project_and_sends_no_chunk_is_ended(client) -> None:
    await silence(await opened(client, PARENT))


async def test_of_a_chunk_that_is_not_continued_nothing_stays(client) -> None:
    frames = client.frames(b"x" * 2_000_000, 1_000_000)
    await silence(await opened(client, PARENT, frames[0]))
    await client.until_nothing_is_half_written()
    assert await client.plan([b"x" * 2_000_000]) == [Digest.of(b"x" * 2_000_000).text]


async def test_what_was_acknowledged_is_kept(client) -> None:
    await silence(await opened(client, PARENT, *client.frames(b"kept", 1_000_000), acknowledged=1))
    assert await client.plan([b"kept"]) == []


async def test_the_reason_is_told_to_programs(client) -> None:
    error = await silence(await opened(client))
    assert b"INVALID_FIELD" in dict(error.trailing_metadata())["grpc-status-details-bin"]
