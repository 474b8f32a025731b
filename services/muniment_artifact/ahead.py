"""Reading ahead from a store over a network, where the first byte of an object takes longer than its rest."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Protocol, TypeVar

from muniment_artifact.limits import MIB

THREADS = 16
PIECES = 4
"""Read at once for one stream; clients open four streams."""

MAX_BYTES = 96 * MIB
"""Of all streams of a process together. What does not fit is read when its turn comes."""


class Piece(Protocol):
    """Something that can be read."""

    @property
    def size(self) -> int:
        """How many bytes it has."""


P = TypeVar("P", bound=Piece)
Read = Callable[[P], Generator[bytes, None, None]]


def in_turn(pieces: Iterable[P], read: Read[P]) -> Generator[tuple[P, Iterable[bytes]], None, None]:
    """Each piece with its bytes, which are read as they are taken."""
    for piece in pieces:
        with closing(read(piece)) as data:
            yield piece, data


class ReadAhead:
    """Reads the next pieces of streams on threads of its own.

    Attributes:
        left: bytes that may still be begun.
    """

    def __init__(self, *, threads: int = THREADS, pieces: int = PIECES, max_bytes: int = MAX_BYTES) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="muniment-ahead")
        self._pieces = pieces
        self._lock = threading.Lock()
        self.left = max_bytes

    def run(self, pieces: Iterable[P], read: Read[P]) -> Generator[tuple[P, Iterable[bytes]], None, None]:
        """As :func:`in_turn`, with some of the pieces that follow being read meanwhile.

        Raises:
            Exception: what reading a piece raises, when its turn has come.
        """
        upcoming = iter(pieces)
        begun: deque[tuple[P, Future[list[bytes]] | None]] = deque()
        try:
            while self._begin(begun, upcoming, read):
                piece, future = begun.popleft()
                if future is None:
                    yield from in_turn([piece], read)
                else:
                    try:
                        yield piece, future.result()
                    finally:
                        self._give_back(piece)
        finally:
            for piece, future in begun:
                # One that runs comes to its end, as a thread cannot be stopped, and is forgotten then.
                if future is not None:
                    future.cancel()
                    future.add_done_callback(lambda _, piece=piece: self._give_back(piece))  # type: ignore[misc]

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)

    def _begin(
        self, begun: deque[tuple[P, Future[list[bytes]] | None]], upcoming: Iterator[P], read: Read[P]
    ) -> bool:
        """Begin pieces until enough are; says whether there are any."""
        while len(begun) < self._pieces and (piece := next(upcoming, None)) is not None:
            fits = self._take(piece)
            begun.append((piece, self._pool.submit(_read_whole, read, piece) if fits else None))
        return bool(begun)

    def _take(self, piece: Piece) -> bool:
        with self._lock:
            fits = piece.size <= self.left
            self.left -= piece.size if fits else 0
        return fits

    def _give_back(self, piece: Piece) -> None:
        with self._lock:
            self.left += piece.size


def _read_whole(read: Read[P], piece: P) -> list[bytes]:
    with closing(read(piece)) as data:
        return list(data)
