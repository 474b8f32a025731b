"""The two methods that carry bytes, with a codec of their own, see :mod:`muniment.frames`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from muniment.frames import decode_range, encode_put
from muniment.transport.channel import close_channel
from muniment.v1 import artifact_service_pb2 as pb

if TYPE_CHECKING:
    from muniment.registry.session import Session

MAX_LANES = 4
"""Streams of one transfer, each on a connection of its own: one connection is one thread's work on either side."""

LANE_BYTES = 16 * 1024 * 1024
"""For every so many bytes one more lane: a connection costs more than sending a few megabytes."""

KNOWN_BLOCK_BYTES = 8 * 1024 * 1024
"""Of one size the C library has seen given back; see :func:`keep_freed_memory`."""

_SERVICE = pb.DESCRIPTOR.services_by_name["ArtifactService"].full_name


OpenStub = Callable[[], "DataStub"]
"""Opens a connection for one stream after the other."""


class DataStub:
    """Sends and receives frames on one channel."""

    def __init__(self, channel: Any) -> None:
        self.put: Any = channel.stream_stream(
            f"/{_SERVICE}/PutChunks",
            request_serializer=encode_put,
            response_deserializer=pb.PutChunksResponse.FromString,
        )
        self.read: Any = channel.unary_stream(
            f"/{_SERVICE}/ReadRanges",
            request_serializer=pb.ReadRangesRequest.SerializeToString,
            response_deserializer=decode_range,
        )


def keep_freed_memory() -> None:
    """Let the C library keep what frames take for the next ones, some megabytes in each thread that needs them.

    A frame is a block of a megabyte, taken and given back within a millisecond. glibc returns each to the system
    and asks for it anew, which takes as long as hashing it, until it has seen larger ones come and go: see the
    dynamic threshold in https://man7.org/linux/man-pages/man3/mallopt.3.html. This one is never written to, so
    there is no memory behind it.
    """
    bytes(KNOWN_BLOCK_BYTES)


@contextmanager
def lanes(session: Session, total: int, *, at_most: int = MAX_LANES) -> Iterator[list[OpenStub]]:
    """How to open the stubs to move ``total`` bytes with, one for each stream.

    The first is that of the session itself. The connection of another one is made by whoever begins to use it, so
    that nobody waits for it before, and ends with the block.
    """
    keep_freed_memory()
    with ExitStack() as stack:

        def another() -> DataStub:
            channel = session.calls.open_another()
            stack.callback(close_channel, channel)
            return DataStub(channel)

        others = min(MAX_LANES, at_most, total // LANE_BYTES + 1) - 1
        yield [lambda: session.data, *[another] * others]
