"""Bounds of streams: callers that read nothing, and the files a process may open."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from typing import Any

import pytest
from muniment_artifact.limits import Limits
from muniment_artifact.streams import MAX_UNREAD, ByteStreams
from muniment_core.domain.errors import TransfersBusy
from muniment_server.descriptors import raise_descriptor_limit


class Context:
    """The part of a call that a stream is told about."""

    def __init__(self) -> None:
        self.code: Any = None
        self.ended: list[Callable[[Any], None]] = []

    def set_code(self, code: Any) -> None:
        self.code = code

    def set_details(self, details: str) -> None:
        assert "was not read" in details

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self.ended.append(callback)


async def _unread(streams: ByteStreams, context: Context) -> None:
    async with streams.admitted(context) as reader:
        with reader.taking():
            await asyncio.Event().wait()


async def test_a_stream_that_is_not_read_is_ended_and_its_turn_goes_on() -> None:
    streams = ByteStreams(1, stall_seconds=0.01, wait_seconds=30)
    contexts = [Context(), Context()]
    for context in contexts:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(_unread(streams, context))
        assert context.code.name == "UNAVAILABLE"


async def test_a_caller_that_leaves_many_streams_unread_waits_until_one_of_them_ended() -> None:
    streams = ByteStreams(1, stall_seconds=0.001, wait_seconds=30)
    contexts = [Context() for _ in range(MAX_UNREAD)]
    for context in contexts:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(_unread(streams, context))
    with pytest.raises(TransfersBusy):
        await _unread(streams, Context())
    contexts[0].ended[0](None)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(_unread(streams, Context()))


async def test_a_stream_that_is_read_is_left_alone() -> None:
    streams = ByteStreams(1, stall_seconds=30, wait_seconds=0.001)
    context = Context()
    async with streams.admitted(context) as reader:
        with reader.taking():
            pass
        with pytest.raises(TransfersBusy):
            await _unread(streams, Context())
    assert (context.code, context.ended) == (None, [])
    async with streams.admitted(context):
        pass


def test_streams_fit_into_the_files_a_process_may_open() -> None:
    for count in (0, 100, 256, 1_024, 65_536):
        limits = Limits().within_descriptors(count)
        assert 1 <= limits.max_read_streams <= 64
        assert 1 <= limits.max_put_streams <= 64
        used = limits.max_read_streams + limits.max_put_streams * (limits.max_unacked_chunks + 2)
        assert used <= max(count // 2, 19)
    assert Limits().within_descriptors(65_536) == Limits()


def test_the_soft_limit_of_open_files_is_raised() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, before[1]), before[1]))
        assert raise_descriptor_limit() >= 512
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == before[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
