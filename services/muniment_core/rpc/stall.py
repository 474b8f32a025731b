"""A deadline for every message of a client stream: who opens one and falls silent does not hold it for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import grpc
from grpc.aio import ServicerContext

from muniment_core.domain.errors import InvalidField
from muniment_core.rpc.interceptor import CONTRACT

STALL_SECONDS = 120.0
"""Longest wait for the next message of a client. Clients read, hash and send at most a frame in between, so this
is hundreds of times what a slow disk takes; it bounds what a client that hangs, or means harm, keeps open."""


class StallInterceptor(grpc.aio.ServerInterceptor):
    """Ends client streams that stand still, the first message included.

    It stands before the interceptor that translates errors, which reads the first message too. Time counts only
    while the server waits: a client that is slowed down by flow control is not silent.
    """

    def __init__(self, seconds: float = STALL_SECONDS) -> None:
        self._seconds = seconds

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        """Wrap the handlers of the contract that read a stream."""
        handler = await continuation(handler_call_details)
        if handler is None or not handler.request_streaming:
            return handler
        if not handler_call_details.method.startswith(CONTRACT):
            return handler
        coders = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.stream_stream is not None:
            return grpc.stream_stream_rpc_method_handler(self._streaming(handler.stream_stream), **coders)
        if handler.stream_unary is not None:
            return grpc.stream_unary_rpc_method_handler(self._single(handler.stream_unary), **coders)
        return handler

    def _streaming(
        self, behaviour: Callable[..., AsyncGenerator[Any, None]]
    ) -> Callable[..., AsyncIterator[Any]]:
        async def call(
            requests: AsyncIterator[Any], context: ServicerContext[Any, Any]
        ) -> AsyncIterator[Any]:
            async with aclosing(behaviour(_Moving(requests, self._seconds), context)) as responses:
                async for response in responses:
                    yield response

        return call

    def _single(self, behaviour: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(requests: AsyncIterator[Any], context: ServicerContext[Any, Any]) -> Any:
            return await behaviour(_Moving(requests, self._seconds), context)

        return call


class _Moving:
    """The messages of a stream, each in time. Not a generator: this is passed by every frame of a transfer."""

    def __init__(self, messages: AsyncIterator[Any], seconds: float) -> None:
        self._messages = aiter(messages)
        self._seconds = seconds

    def __aiter__(self) -> _Moving:
        return self

    async def __anext__(self) -> Any:
        try:
            async with asyncio.timeout(self._seconds):
                return await anext(self._messages)
        except TimeoutError:
            raise InvalidField(
                "stream",
                f"stood still for {self._seconds:g} s, which ends it: "
                "open it again, what was acknowledged is kept",
            ) from None
