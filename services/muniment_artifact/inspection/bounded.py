"""Streams inside of streams: a part of a file, and what unpacks, both bounded."""

from __future__ import annotations

import io
from typing import BinaryIO, cast

MAX_UNPACKED = 2 * 1024 * 1024 * 1024
"""What all unpacking of one file may give, repeats counted."""


class UnpacksTooFar(ValueError):
    """Unpacking gives more than anybody should wait for."""


class Budget:
    """What may still be unpacked of one file."""

    def __init__(self, size: int = MAX_UNPACKED) -> None:
        self._size = size
        self._left = size

    def spend(self, size: int) -> None:
        """Count bytes that were unpacked.

        Raises:
            UnpacksTooFar: if they are too many.
        """
        self._left -= size
        if self._left < 0:
            raise UnpacksTooFar(f"it unpacks to more than {self._size} bytes")


class Part(io.RawIOBase):
    """A range of a stream, as a stream."""

    def __init__(self, source: BinaryIO, start: int, size: int) -> None:
        self._source = source
        self._start = start
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read from where we are, wherever others have moved the stream below."""
        self._source.seek(self._start + self._position)
        data = self._source.read(max(0, min(len(buffer), self._size - self._position)))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move within the range, or past its end."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Where we are."""
        return self._position


class Counted(io.RawIOBase):
    """A stream that unpacks, read against a budget."""

    def __init__(self, source: BinaryIO, budget: Budget, size: int) -> None:
        self._source = source
        self._budget = budget
        self._size = size

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes; what is unpacked on the way counts."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Unpack more."""
        data = self._source.read(len(buffer))
        self._budget.spend(len(data))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; forward by unpacking, back by beginning anew."""
        here = self._source.tell()
        target = {io.SEEK_SET: 0, io.SEEK_CUR: here, io.SEEK_END: self._size}[whence] + offset
        self._budget.spend(target - here if target >= here else target)
        return self._source.seek(target)

    def tell(self) -> int:
        """Where we are."""
        return self._source.tell()


def part(source: BinaryIO, start: int, size: int) -> BinaryIO:
    """A range of a stream."""
    return cast("BinaryIO", io.BufferedReader(Part(source, start, size)))


def counted(source: BinaryIO, budget: Budget, size: int) -> BinaryIO:
    """A stream that unpacks to ``size`` bytes, read against a budget."""
    return cast("BinaryIO", io.BufferedReader(Counted(source, budget, size)))
