"""What surrounds every call of the contract: telemetry outermost, then identity and permission, then errors.

Health and reflection are not of the contract and pass untouched.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc.aio import ServicerContext

from muniment_core.domain.access import Principal
from muniment_core.domain.errors import Defect, DomainError, InvalidField, ShuttingDown
from muniment_core.rpc.auth import Authorizer
from muniment_core.rpc.error_table import error_metadata, status_of
from muniment_core.rpc.shape import TooManyFields, bounded_throughout
from muniment_core.rpc.stall import STALL_SECONDS, Moving
from muniment_core.rpc.telemetry import UNOBSERVED, ObservedCall, UnobservedCall, is_set_up

CONTRACT = "/muniment.v1."
NEEDED_BY_CALLS_IN_FLIGHT = frozenset(
    {"/muniment.v1.ArtifactService/VerifyManifest", "/muniment.v1.ArtifactService/RestoreManifest"}
)
"""What this process may still ask of itself while it is stopping: a promotion in flight has bytes verified, and
an archived version in flight has them brought back."""
QUIET_SECONDS = 0.1
"""A call that arrives in the moment the server closes ends CANCELLED, without a word that it is to be repeated,
and gRPC cannot tell clients to stay away before that moment. So refusing goes on until none came for so long."""
MOST_REFUSING_SECONDS = 1.0
RECHECK_SECONDS = 2.0
"""How long a stream goes on before its caller is checked again: a token that was revoked ends what it opened."""
Metadata = Iterable[tuple[str, str | bytes]]
_Admit = Callable[[str, Any, Metadata], Awaitable[tuple[Any, Any]]]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """Stands for a request that was not read."""

    why: str


class _InFlight:
    """Counts the calls that are being served."""

    def __init__(self) -> None:
        self.number = 0
        self.none = asyncio.Event()
        self.none.set()

    def __enter__(self) -> None:
        self.number += 1
        self.none.clear()

    def __exit__(self, *_error: object) -> None:
        self.number -= 1
        if not self.number:
            self.none.set()


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Admits, observes and translates the errors of calls."""

    def __init__(self, authorizer: Authorizer, *, stall_seconds: float = STALL_SECONDS) -> None:
        """
        Args:
            stall_seconds: longest wait for the next message of a client stream.
        """
        self._authorizer = authorizer
        self._stall_seconds = stall_seconds
        self._observes = is_set_up()
        self._wrapped: dict[str, Any] = {}
        self._in_flight = _InFlight()
        self._draining = False
        self._refused = 0

    async def drain(self, seconds: float) -> None:
        """Refuse new calls, and wait for those in flight to end, at most for some seconds.

        Returns when no more calls come, or after a second in which they would not cease.
        """
        self._draining = True
        try:
            await asyncio.wait_for(self._in_flight.none.wait(), seconds)
        except TimeoutError:
            _log.warning(
                "%d calls did not finish within %g s and are cut off", self._in_flight.number, seconds
            )
        clock = asyncio.get_running_loop().time
        end, known = clock() + MOST_REFUSING_SECONDS, -1
        while known != self._refused and clock() < end:
            known = self._refused
            await asyncio.sleep(QUIET_SECONDS)

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        """Wrap the handler of a method of the contract, once."""
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None or not method.startswith(CONTRACT):
                return handler
            wrapped = self._wrapped[method] = self._wrap(method, handler)
        try:
            await self._authorizer.identify(handler_call_details.invocation_metadata or ())
        except Exception as error:  # noqa: BLE001 - told to the caller
            return self._stranger(method, error)
        return wrapped

    def _wrap(self, method: str, handler: Any) -> Any:
        behaviour = (
            handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
        )
        wrap: Any = self._streaming if handler.response_streaming else self._single
        admit = self._admit_stream if handler.request_streaming else self._admit
        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[handler.request_streaming, handler.response_streaming]
        return make(
            wrap(method, behaviour, admit),
            _tolerant(_bounded(handler.request_deserializer)),
            handler.response_serializer,
        )

    def _stranger(self, method: str, why: Exception) -> Any:
        """Refuses a call without reading its message: nobody unknown makes a server hold or parse 64 MiB."""

        async def refuse(_requests: Any, context: ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            observed = (
                ObservedCall(method, context.invocation_metadata() or ()) if self._observes else UNOBSERVED
            )
            with self._in_flight:
                await _refuse(method, why, context, observed)
            yield

        return grpc.stream_stream_rpc_method_handler(refuse)

    def _single(
        self, method: str, behaviour: Callable[..., Awaitable[Any]], admit: _Admit
    ) -> Callable[..., Awaitable[Any]]:
        async def call(request: Any, context: ServicerContext[Any, Any]) -> Any:
            metadata = context.invocation_metadata() or ()
            observed = ObservedCall(method, metadata) if self._observes else UNOBSERVED
            with self._in_flight:
                try:
                    admitted, _ = await admit(method, request, metadata)
                    response = await behaviour(admitted, context)
                except BaseException as error:
                    await _refuse(method, error, context, observed)
                    raise
            observed.end(grpc.StatusCode.OK)
            return response

        return call

    def _streaming(
        self, method: str, behaviour: Callable[..., AsyncGenerator[Any, None]], admit: _Admit
    ) -> Callable[..., AsyncIterator[Any]]:
        clock = time.monotonic

        async def call(request: Any, context: ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            metadata = context.invocation_metadata() or ()
            observed = ObservedCall(method, metadata) if self._observes else UNOBSERVED
            with self._in_flight:
                try:
                    admitted, first = await admit(method, request, metadata)
                    check_due = clock() + RECHECK_SECONDS
                    # Closed here, so that what a cancelled stream holds is let go at once.
                    async with aclosing(behaviour(admitted, context)) as stream:
                        async for response in stream:
                            if clock() >= check_due:
                                self._authorizer.check(
                                    method, await self._authorizer.identify(metadata), first
                                )
                                check_due = clock() + RECHECK_SECONDS
                            yield response
                except BaseException as error:
                    await _refuse(method, error, context, observed)
                    raise
            observed.end(grpc.StatusCode.OK)

        return call

    async def _admit(self, method: str, request: Any, metadata: Metadata) -> tuple[Any, Any]:
        """Check the caller.

        Returns:
            What the method is given, and the message the caller was checked against.
        """
        principal = await self._caller(method, metadata)
        self._authorizer.check(method, principal, _readable(request))
        return request, request

    async def _admit_stream(
        self, method: str, requests: AsyncIterator[Any], metadata: Metadata
    ) -> tuple[Any, Any]:
        """The same for a client stream: the caller is checked against its first message, which is put back."""
        principal = await self._caller(method, metadata)
        messages = Moving(requests, self._stall_seconds)
        first = await anext(messages, None)
        if first is None:
            raise InvalidField("parent", "is required, while the stream ended without a message")
        self._authorizer.check(method, principal, _readable(first))
        return _put_back(first, messages), first

    async def _caller(self, method: str, metadata: Metadata) -> Principal:
        if self._draining and method not in NEEDED_BY_CALLS_IN_FLIGHT:
            self._refused += 1
            raise ShuttingDown
        return await self._authorizer.identify(metadata)


async def _put_back(first: Any, others: AsyncIterator[Any]) -> AsyncIterator[Any]:
    yield first
    async for message in others:
        yield _readable(message)


def _bounded(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Refuses what would take much memory; a method that reads its requests in a way of its own sees to it."""
    message = getattr(deserialize, "__self__", None)
    return bounded_throughout(message) if isinstance(message, type) else deserialize


def _tolerant(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Let bytes pass that are no message, to be refused later: gRPC would tell the caller the exception."""

    def read(data: bytes) -> Any:
        try:
            return deserialize(data)
        except TooManyFields as error:
            return _Unreadable(str(error))
        except DecodeError:
            return _Unreadable("is not a message of this method")

    return read


def _readable(message: Any) -> Any:
    if isinstance(message, _Unreadable):
        raise InvalidField("request", message.why)
    return message


async def _refuse(
    method: str,
    error: BaseException,
    context: ServicerContext[Any, Any],
    observed: ObservedCall | UnobservedCall,
) -> None:
    """End a call with the status of an error; cancellation passes on."""
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        observed.end(grpc.StatusCode.CANCELLED)
        return
    if not isinstance(error, DomainError):
        incident = secrets.token_hex(8)
        _log.error("incident %s in %s", incident, method, exc_info=error)
        error = Defect(incident)
    code, status = status_of(error)
    observed.end(code)
    await context.abort(code, error.message, error_metadata(status))
