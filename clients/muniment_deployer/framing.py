"""How the endpoint and its worker talk: JSON messages behind a four-byte length, over a socket pair.

JSON and not pickle: whatever a model file makes the worker do, it cannot make the endpoint run it.
"""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any, BinaryIO

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""More than any answer to the largest request; a worker that claims more is out of its mind."""

_LENGTH = struct.Struct("!I")


class BrokenMessage(Exception):
    """What arrived is not a message; the other end cannot be trusted to go on."""


def encode(message: dict[str, Any]) -> bytes:
    """A message with its length in front."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)) + body


def _decode(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except ValueError as error:
        raise BrokenMessage(f"a message is not JSON: {error}") from error
    if not isinstance(message, dict):
        raise BrokenMessage("a message is not an object")
    return message


def _length(head: bytes) -> int:
    length: int = _LENGTH.unpack(head)[0]
    if length > MAX_MESSAGE_BYTES:
        raise BrokenMessage(f"a message of {length} bytes is over the limit of {MAX_MESSAGE_BYTES}")
    return length


def read_message(stream: BinaryIO) -> dict[str, Any] | None:
    """The next message, blocking; None when the other end is gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    body = stream.read(length := _length(head))
    return _decode(body) if len(body) == length else None


async def receive_message(stream: asyncio.StreamReader) -> dict[str, Any] | None:
    """The next message; None when the other end is gone."""
    try:
        head = await stream.readexactly(_LENGTH.size)
        return _decode(await stream.readexactly(_length(head)))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
