"""Unary calls over HTTP/2 with as little of a client as will do: what is measured is the server.

The Python client of gRPC takes five times the processor time, more than half of what the server takes, and on a
machine of two processors that is a load on the server. The peer is asked over kept connections in the same way.

Frames: https://www.rfc-editor.org/rfc/rfc9113#section-4, header blocks:
https://www.rfc-editor.org/rfc/rfc7541#section-6, messages in them:
https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from __future__ import annotations

import asyncio
import struct
from typing import Any

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS, _PING, _WINDOW_UPDATE = 0x0, 0x1, 0x4, 0x6, 0x8
_END_STREAM, _END_HEADERS, _ACK = 0x1, 0x4, 0x1
_FRAME_HEADER = 9
_INITIAL_WINDOW, _LARGEST_WINDOW = 65_535, 2**31 - 1
_METHOD_POST, _SCHEME_HTTP = b"\x83", b"\x86"
_FIRST_OWN_INDEX = 62


class CallFailed(Exception):
    """A call was answered without a message, or not at all."""


class BareConnection(asyncio.Protocol):
    """One connection, one call at a time, all of one method."""

    def __init__(self, path: str, token: str) -> None:
        """
        Args:
            path: of the method, ``/package.Service/Method``.
        """
        headers = {
            ":path": path,
            ":authority": "127.0.0.1",
            "content-type": "application/grpc",
            "te": "trailers",
            "authorization": f"Bearer {token}",
        }
        known = _METHOD_POST + _SCHEME_HTTP
        self._block = known + b"".join(_kept(name, value) for name, value in headers.items())
        # From the second call on, each is the number under which the server keeps it.
        newest_last = range(_FIRST_OWN_INDEX + len(headers) - 1, _FIRST_OWN_INDEX - 1, -1)
        self._next_block = known + bytes(0x80 | index for index in newest_last)
        self._stream = 1
        self._rest = b""
        self._has_message = False
        self._answered: asyncio.Future[None] | None = None
        self._transport: Any = None

    @classmethod
    async def open(cls, address: str, path: str, token: str) -> BareConnection:
        """Connect to ``host:port``."""
        host, _, port = address.rpartition(":")
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: cls(path, token), host, int(port))
        return connection

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    async def ask(self, request: bytes) -> None:
        """One call with a serialised request; its answer is not looked into.

        Raises:
            CallFailed: if no message comes back.
        """
        self._has_message = False
        self._answered = asyncio.get_running_loop().create_future()
        message = b"\0" + struct.pack(">I", len(request)) + request
        self._transport.write(
            _frame(_HEADERS, _END_HEADERS, self._stream, self._block)
            + _frame(_DATA, _END_STREAM, self._stream, message)
        )
        self._stream += 2
        self._block = self._next_block
        await self._answered

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        window = struct.pack(">I", _LARGEST_WINDOW - _INITIAL_WINDOW)
        transport.write(_PREFACE + _frame(_SETTINGS, 0, 0, b"") + _frame(_WINDOW_UPDATE, 0, 0, window))

    def data_received(self, data: bytes) -> None:
        data, at = self._rest + data, 0
        while len(data) - at >= _FRAME_HEADER:
            end = at + _FRAME_HEADER + int.from_bytes(data[at : at + 3], "big")
            if end > len(data):
                break
            kind, flags, content = data[at + 3], data[at + 4], at + _FRAME_HEADER
            if kind == _DATA:
                self._has_message = True
            elif kind == _SETTINGS and not flags & _ACK:
                self._transport.write(_frame(_SETTINGS, _ACK, 0, b""))
            elif kind == _PING and not flags & _ACK:
                self._transport.write(_frame(_PING, _ACK, 0, data[content:end]))
            if kind in (_DATA, _HEADERS) and flags & _END_STREAM:
                self._end(None if self._has_message else CallFailed(repr(data[content:end])))
            at = end
        self._rest = data[at:]

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or CallFailed("the connection ended"))

    def _end(self, error: Exception | None) -> None:
        if self._answered is None or self._answered.done():
            return
        if error is None:
            self._answered.set_result(None)
        else:
            self._answered.set_exception(error)


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return struct.pack(">I", len(content))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + content


def _kept(name: str, value: str) -> bytes:
    """A header the server is to keep under the lowest number, the ones kept before moving up by one."""
    return b"\x40" + _text(name) + _text(value)


def _text(text: str) -> bytes:
    length = len(text)
    if length < 127:
        return bytes((length,)) + text.encode()
    assert length < 127 + 128, "longer than any header here"
    return bytes((127, length - 127)) + text.encode()
