"""What server and worker say to each other over their one socket.

The worker asks for ranges of the file it judges, and ends with its report; it has nothing else to read from. Every
message is a letter, a length in 4 bytes and so many bytes.
"""

from __future__ import annotations

import io
import socket
import struct

HELLO = b"h"
"""From the worker: it is confined, and how."""
REFUSED = b"n"
"""From the worker, before it ends: it could not be confined, and why."""
FILE = b"f"
"""To the worker: judge a file of this size."""
READ = b"r"
"""From the worker: give the range of this offset and length."""
DATA = b"d"
"""To the worker: the range, as far as the file has it."""
REPORT = b"j"
"""From the worker: what it found; nothing follows until the next file."""

LAST = b"l"
"""From the worker: what it found, after which it is fit for nothing more."""

MAX_READ = 1024 * 1024
MAX_REPORT = 256 * 1024

_HEAD = struct.Struct(">cI")
_RANGE = struct.Struct(">QI")
_SIZE = struct.Struct(">Q")


class BrokenExchange(Exception):
    """The other side is gone, or says what it must not say."""


class OtherSideGone(BrokenExchange):
    """The other side has ended."""


def send(connection: socket.socket, kind: bytes, data: bytes = b"") -> None:
    """Send a message."""
    connection.sendall(_HEAD.pack(kind, len(data)))
    connection.sendall(data)


def receive(connection: socket.socket, *, most: int) -> tuple[bytes, bytes]:
    """The next message.

    Raises:
        BrokenExchange: if none comes any more, or it is longer than ``most``.
    """
    kind, size = _HEAD.unpack(_exactly(connection, _HEAD.size))
    if size > most:
        raise BrokenExchange(f"a message has {size} bytes, while {most} are the most")
    return kind, _exactly(connection, size)


def pack_size(size: int) -> bytes:
    """The size of a file, for :data:`FILE`."""
    return _SIZE.pack(size)


def unpack_size(data: bytes) -> int:
    """What :func:`pack_size` packed."""
    return int(_SIZE.unpack(data)[0])


def unpack_range(data: bytes) -> tuple[int, int]:
    """Offset and length of a :data:`READ`.

    Raises:
        BrokenExchange: if it is none, or too long.
    """
    if len(data) != _RANGE.size:
        raise BrokenExchange("a range cannot be read")
    offset, length = _RANGE.unpack(data)
    if length > MAX_READ:
        raise BrokenExchange(f"{length} bytes are asked for at once")
    return offset, length


class RemoteFile(io.RawIOBase):
    """A file that is on the other side of the socket."""

    def __init__(self, connection: socket.socket, size: int) -> None:
        self._connection = connection
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Ask for the next bytes."""
        length = max(0, min(len(buffer), self._size - self._position, MAX_READ))
        if not length:
            return 0
        send(self._connection, READ, _RANGE.pack(self._position, length))
        kind, data = receive(self._connection, most=MAX_READ)
        if kind != DATA or len(data) != length:
            raise BrokenExchange("the range that was asked for did not come")
        buffer[:length] = data
        self._position += length
        return length

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, also past the end."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError("before the beginning")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Where we are."""
        return self._position


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = connection.recv_into(view)
        if not count:
            raise OtherSideGone("the other side is gone")
        view = view[count:]
    return bytes(data)
