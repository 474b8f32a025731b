"""The one wrapper around every call: token, deadline, error translation, also while a stream is read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

import grpc

from muniment.errors import (
    DeadlineExceeded,
    InvalidArgument,
    MunimentError,
    RegistryClosed,
    Unauthenticated,
    Unreachable,
)
from muniment.transport.channel import close_channel
from muniment.transport.moving import MovingChannel
from muniment.transport.translation import translated

T = TypeVar("T")
Metadata: TypeAlias = tuple[tuple[str, str], ...]

TOKEN_KEY = "authorization"
_NOT_IN_HEADERS = "a token is printable ASCII without blanks"

DEFAULT_TIMEOUT = 30.0


class Calls:
    """Calls methods of the generated stubs on one channel."""

    def __init__(
        self,
        open_channel: Callable[[], grpc.Channel | MovingChannel],
        *,
        target: str,
        timeout: float | None,
        token: Callable[[], str | None],
        rejoin: Callable[[Any], str] | None = None,
        plain: bool = False,
        ca_file: Path | None = None,
    ) -> None:
        """Open a channel, on which nothing is sent yet, and remember how to call.

        Args:
            open_channel: makes a channel to the registry.
            target: the address, for error messages.
            timeout: seconds a unary call may take, and a stream may stand still; None for the default.
            token: gives the bearer token; asked before each call until there is one.
            rejoin: lets a channel lead to a server that answers, once nobody does, and returns its address.
            plain: whether the channel speaks without TLS to a server that may want it.
            ca_file: whom it trusts if it speaks TLS, for what is got from elsewhere.
        """
        self.channel = open_channel()
        self._open_channel = open_channel
        self.target = target
        self._chosen_timeout = timeout
        self.timeout = DEFAULT_TIMEOUT if timeout is None else timeout
        self._token = token
        self._metadata: Metadata | None = None
        self._rejoin = rejoin
        self._plain = plain
        self.ca_file = ca_file
        self._moving = threading.Lock()
        self._moves = 0
        self._closed = False

    def again(self) -> Calls:
        """A connection of its own to the same registry, which outlives this one."""
        return Calls(
            self._open_channel,
            target=self.target,
            timeout=self._chosen_timeout,
            token=self._token,
            rejoin=self._rejoin,
            plain=self._plain,
            ca_file=self.ca_file,
        )

    def patience(self, seconds: float) -> float:
        """The timeout of a call that takes long for a good reason: that of the connection, if it was chosen."""
        return seconds if self._chosen_timeout is None else self._chosen_timeout

    def unary(self, method: Any, request: Any, *, timeout: float | None = None) -> Any:
        """Call a unary method.

        Raises:
            MunimentError: whatever went wrong.
        """
        moves = self._moves
        metadata = self._ready()
        try:
            return method(request, metadata=metadata, timeout=self.timeout if timeout is None else timeout)
        except grpc.RpcError as error:
            refusal = self.translated(error)
            if not self._moved(refusal, since=moves) and not self._found_token(refusal, metadata):
                raise refusal from error
        except ValueError as error:
            # gRPC's word for a channel that another thread closed in this moment.
            raise RegistryClosed(f"the connection to {self.target} was closed") from error
        # gRPC repeats every call that comes here by itself as well: each is a read or has a request id.
        try:
            return method(
                request, metadata=self._ready(), timeout=self.timeout if timeout is None else timeout
            )
        except grpc.RpcError as error:
            raise self.translated(error) from error
        except ValueError as error:
            raise RegistryClosed(f"the connection to {self.target} was closed") from error

    def stream(self, method: Any, request: Any, *, stall: float | None = None) -> Stream[Any]:
        """Start a call that answers with a stream; ``request`` is a message or an iterator of them.

        Args:
            stall: seconds the stream may stand still; the connection's timeout by default.
        """
        moves = self._moves
        metadata = self._ready()
        try:
            call = method(request, metadata=metadata)
        except grpc.RpcError as error:
            raise self.translated(error) from error
        except ValueError as error:
            raise RegistryClosed(f"the connection to {self.target} was closed") from error
        return Stream(call, self, self.timeout if stall is None else stall, moves)

    def pages(self, method: Any, request: Any, field: str) -> Iterator[Any]:
        """Every item of a listing, page after page, each asked for when it is needed."""
        while True:
            response = self.unary(method, request)
            yield from getattr(response, field)
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token

    def translated(self, error: grpc.RpcError) -> MunimentError:
        if self._closed:
            return RegistryClosed(f"the connection to {self.target} was closed")
        return translated(error, self.target, plain=self._plain)

    def lost(self, error: grpc.RpcError, *, since: int) -> MunimentError:
        """The error a failed stream means. Who takes it up again finds a server there, if one can be had."""
        refusal = self.translated(error)
        self._moved(refusal, since=since)
        return refusal

    def _moved(self, refusal: MunimentError, *, since: int) -> bool:
        """Whether there is another server by now, looked for if nobody answered the last one."""
        if self._rejoin is None or not isinstance(refusal, Unreachable):
            return False
        with self._moving:
            if self._moves == since:
                try:
                    self.target = self._rejoin(self.channel)
                except MunimentError as error:
                    raise Unreachable(
                        f"{refusal.message}; no other server could be started: {error.message}"
                    ) from error
                # Whoever has begun a new directory in the old one's place has another token.
                self._metadata = None
                self._moves += 1
        return True

    def _found_token(self, refusal: MunimentError, sent: Metadata) -> bool:
        """Whether there is a token by now: a local server began to answer only after it was looked for."""
        return isinstance(refusal, Unauthenticated) and not sent and bool(self._ready())

    def open_another(self) -> grpc.Channel | MovingChannel:
        """A further channel to the same registry, for the caller to close: bytes travel on several."""
        return self._open_channel()

    def close(self) -> None:
        """End all calls. Closing twice is fine."""
        self._closed = True
        close_channel(self.channel)

    def _ready(self) -> Metadata:
        if self._closed:
            raise RegistryClosed(f"the connection to {self.target} was closed")
        if self._metadata is None:
            token = self._token()
            if not token:
                # A local server may be about to start, and its token with it.
                return ()
            # gRPC reports a value it cannot send as if the server were gone, and would put it in the message.
            if not (token.isascii() and token.isprintable() and " " not in token):
                raise InvalidArgument(f"the token cannot be sent: {_NOT_IN_HEADERS}")
            self._metadata = ((TOKEN_KEY, f"Bearer {token}"),)
        return self._metadata


class Stream(Generic[T]):
    """Messages of a running call, with a watchdog: a stream that stands still ends with DeadlineExceeded."""

    def __init__(self, call: Any, calls: Calls, stall: float, moves: int) -> None:
        self._call = call
        self._moves = moves
        self._calls = calls
        self._stall = stall
        self._stalled = False
        self._moved = threading.Event()
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name="muniment-watchdog", daemon=True).start()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            message: T = next(self._call)
        except grpc.RpcError as error:
            self._ended.set()
            if self._stalled:
                raise DeadlineExceeded(
                    f"nothing came from or went to {self._calls.target} for {self._stall:g} s"
                ) from error
            raise self._calls.lost(error, since=self._moves) from error
        except BaseException:
            self.cancel()
            raise
        self._moved.set()
        return message

    def feed(self) -> None:
        """Tell the watchdog that something moved in the other direction."""
        self._moved.set()

    def cancel(self) -> None:
        """End the call; from any thread. Ending it twice is fine."""
        self._ended.set()
        self._call.cancel()

    def _watch(self) -> None:
        while not self._ended.wait(self._stall):
            if not self._moved.is_set():
                self._stalled = True
                self._call.cancel()
                return
            self._moved.clear()
