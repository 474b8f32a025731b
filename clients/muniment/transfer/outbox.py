"""Chunks of a push on their way: those to ask the registry about, those to send, file by file, and how many became
durable.

All chunks of a file go out on one stream, in order: then the registry hashes the file as it passes by, and need
not read it back.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from muniment.transfer.pieces import Load, Offer
from muniment.transfer.source import SourceFile

MIB = 1024 * 1024

FIRST_SLICE = 2 * MIB
SMALL_SLICE = 16 * MIB
LARGEST_SLICE = 64 * MIB
"""What is asked about at once: little while hardly anything waits to be sent or a stream has nothing to do, so
that streams begin soon and never stand still; as much as gathers while all are busy, so that asking is cheap."""

LOW = 8 * MIB
"""When hardly anything waits to be sent."""

CHUNK_COST = MIB // 16
"""What a chunk counts for beside its bytes: thousands of small files are as much work as one large one."""

SLICE_SECONDS = 0.1
"""How long chunks wait for others to be asked about together, while nothing else is to be sent."""


@dataclass(slots=True, eq=False)
class Feed:
    """The chunks to send of one file, while they are found out."""

    source: SourceFile
    loads: deque[Load] = field(default_factory=deque)
    complete: bool = False


class Outbox:
    """Filled by the thread that hashes, looked through by the one that asks, and emptied by the streams."""

    def __init__(self) -> None:
        lock = threading.Lock()
        self._asking = threading.Condition(lock)
        self._sending = threading.Condition(lock)
        self._offers: list[Offer] = []
        self._offered = 0
        self._offered_all = False
        self._small_slice = FIRST_SLICE
        self._feeds = deque[Feed]()
        self._filling: Feed | None = None
        self._waiting = 0
        self._idling = 0
        self._complete = False
        self._durable: set[str] = set()
        self.failure: BaseException | None = None

    def offer(self, offer: Offer) -> None:
        """Add chunks that may have to be sent; those of a file follow each other."""
        with self._asking:
            self._offers.append(offer)
            self._offered += sum(piece.size + CHUNK_COST for piece in offer.pieces)
            if len(self._offers) == 1 or self._is_due:
                self._asking.notify()

    def offered_all(self) -> None:
        """Nothing more will be offered."""
        with self._asking:
            self._offered_all = True
            self._asking.notify()

    def next_slice(self) -> list[Offer]:
        """What to ask about together, when it is time to; nothing at the end."""
        with self._asking:
            self._asking.wait_for(lambda: self._offers or self._offered_all or self.failure is not None)
            while self._offers and not self._asking.wait_for(lambda: self._is_due, SLICE_SECONDS):
                if not self._waiting:
                    break
            if self.failure is not None:
                return []
            offers, self._offers, self._offered = self._offers, [], 0
            self._small_slice = min(2 * self._small_slice, SMALL_SLICE)
            return offers

    def put(self, wanted: Iterable[tuple[SourceFile, list[Load]]]) -> None:
        """Add chunks to send."""
        with self._sending:
            for source, loads in wanted:
                if self._filling is None or self._filling.source is not source:
                    self._end_file()
                    self._filling = Feed(source)
                    self._feeds.append(self._filling)
                self._filling.loads.extend(loads)
                self._waiting += sum(load.piece.size for load in loads)
            self._sending.notify_all()

    def complete(self) -> None:
        """Nothing more will be put in."""
        with self._sending:
            self._end_file()
            self._complete = True
            self._sending.notify_all()

    def fail(self, failure: BaseException) -> None:
        """Let nothing more be sent; the first failure is what becomes of the push."""
        with self._sending:
            self.failure = self.failure or failure
            self._sending.notify_all()
            self._asking.notify()

    def has_work(self, feed: Feed | None) -> bool:
        """Wait until there is something to send for a stream that is at ``feed``; False when all is over."""
        with self._sending:
            self._idle(lambda: self._over or self._feeds or (feed is not None and feed.loads))
            return self.failure is None and bool(self._feeds or (feed is not None and feed.loads))

    def next_feed(self, seconds: float) -> Feed | None:
        """A file that no stream has taken yet; None if there is none for so long."""
        with self._sending:
            self._idle(lambda: self._over or self._feeds, seconds)
            return None if self.failure is not None or not self._feeds else self._feeds.popleft()

    def next_load(self, feed: Feed, seconds: float) -> Load | None:
        """The next chunk of a file; None if there is none for so long."""
        with self._sending:
            self._sending.wait_for(lambda: self.failure is not None or feed.loads or feed.complete, seconds)
            if self.failure is not None or not feed.loads:
                return None
            load = feed.loads.popleft()
            self._waiting -= load.piece.size
            if self._is_due:
                self._asking.notify()
            return load

    def acknowledged(self, digest: str) -> None:
        """One more chunk is durable."""
        with self._sending:
            self._durable.add(digest)

    @property
    def durable(self) -> frozenset[str]:
        """Digests of the chunks that the server has acknowledged."""
        with self._sending:
            return frozenset(self._durable)

    @property
    def _is_due(self) -> bool:
        """Whether it is time to ask about what was offered."""
        if self._offered_all or self.failure is not None:
            return True
        runs_dry = self._waiting < LOW or self._idling > 0
        return self._offered >= (self._small_slice if runs_dry else LARGEST_SLICE)

    @property
    def _over(self) -> bool:
        return self._complete or self.failure is not None

    def _idle(self, until: Callable[[], object], seconds: float | None = None) -> None:
        """A stream has nothing to do until something is so, or for so long."""
        if until():
            return
        self._idling += 1
        if self._is_due:
            self._asking.notify()
        self._sending.wait_for(until, seconds)
        self._idling -= 1

    def _end_file(self) -> None:
        if self._filling is not None:
            self._filling.complete = True
            self._filling = None
