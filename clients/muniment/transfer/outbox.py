"""Chunks that wait to be sent, file by file, and what became durable; shared by the streams of a push.

All chunks of a file go out on one stream, in order: then the registry hashes the file as it passes by, and need
not read it back.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from muniment.transfer.pieces import Piece
from muniment.transfer.source import SourceFile


@dataclass(slots=True, eq=False)
class Feed:
    """The chunks to send of one file, while they are found out."""

    source: SourceFile
    pieces: deque[Piece] = field(default_factory=deque)
    complete: bool = False


class Outbox:
    """Filled by one thread, emptied by the streams."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._feeds = deque[Feed]()
        self._filling: Feed | None = None
        self._complete = False
        self._waiting_bytes = 0
        self._durable = 0
        self.failure: BaseException | None = None

    def put(self, source: SourceFile, pieces: Iterable[Piece]) -> None:
        """Add chunks of a file; those of a file follow each other."""
        with self._changed:
            if self._filling is None or self._filling.source is not source:
                self._end_file()
                self._filling = Feed(source)
                self._feeds.append(self._filling)
            added = list(pieces)
            self._filling.pieces.extend(added)
            self._waiting_bytes += sum(piece.size for piece in added)
            self._changed.notify_all()

    def complete(self) -> None:
        """Nothing more will be put in."""
        with self._changed:
            self._end_file()
            self._complete = True
            self._changed.notify_all()

    def fail(self, failure: BaseException) -> None:
        """Let nothing more be sent; the first failure is what becomes of the push."""
        with self._changed:
            self.failure = self.failure or failure
            self._changed.notify_all()

    def has_work(self, feed: Feed | None) -> bool:
        """Wait until there is something to send for a stream that is at ``feed``; False when all is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._feeds or (feed is not None and feed.pieces))
            return self.failure is None and bool(self._feeds or (feed is not None and feed.pieces))

    def next_feed(self, seconds: float) -> Feed | None:
        """A file that no stream has taken yet; None if there is none for so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._feeds, seconds)
            return None if self.failure is not None or not self._feeds else self._feeds.popleft()

    def next_piece(self, feed: Feed, seconds: float) -> Piece | None:
        """The next chunk of a file; None if there is none for so long."""
        with self._changed:
            self._changed.wait_for(lambda: self.failure is not None or feed.pieces or feed.complete, seconds)
            if self.failure is not None or not feed.pieces:
                return None
            piece = feed.pieces.popleft()
            self._waiting_bytes -= piece.size
            return piece

    def runs_low(self, size: int) -> bool:
        """Whether fewer bytes than these wait for a stream."""
        return self._waiting_bytes < size

    def acknowledged(self) -> None:
        """One more chunk is durable."""
        with self._changed:
            self._durable += 1

    @property
    def durable(self) -> int:
        """How many chunks the server has acknowledged."""
        return self._durable

    @property
    def _over(self) -> bool:
        return self._complete or self.failure is not None

    def _end_file(self) -> None:
        if self._filling is not None:
            self._filling.complete = True
            self._filling = None
