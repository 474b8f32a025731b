"""The newest entries of the ledger in memory, shared by all watchers of a process.

While anybody watches, one task reads the table after every commit of this process, and at an interval for commits
of other replicas. Watchers that are up to date are served from here; one that has fallen behind what is kept reads
the table.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, TypeAlias

from muniment.v1.ledger_service_pb2 import LedgerEntry
from muniment.v1.promotion_service_pb2 import WatchResponse
from muniment_core.db.ledger_store import EntryQuery
from muniment_core.domain.errors import DomainError
from muniment_core.domain.ledger import Entry
from muniment_core.rpc.convert import entry_message
from muniment_core.rpc.execution import Execution

from muniment_promotion.watch.packing import MAX_ENTRIES, packed

Kept: TypeAlias = tuple[Entry, LedgerEntry]
Recent: TypeAlias = tuple[Sequence[WatchResponse], int]

KEPT_ENTRIES = 4_096
"""A few seconds of a very busy registry: a reader slower than that goes back to the table."""
READ_ENTRIES = 1_000
SHARED_ANSWERS = 64
"""How many different answers are kept for other watchers until the next entry comes."""
TURNS_AT_ONCE = 64
"""How many watchers go on in one round of the event loop. gRPC accepts a call in five or six rounds, one after the
other, so with a thousand watchers in each round callers wait for a second."""
RETRY_SECONDS = 0.5
"""How often a database that is away is asked again."""
_EVERYTHING = EntryQuery()
_log = logging.getLogger(__name__)


class LedgerTail:
    """Follows the ledger for the watchers of a process.

    Attributes:
        revision: the newest revision read.
    """

    def __init__(
        self, execution: Execution, *, poll_seconds: float, kept_entries: int = KEPT_ENTRIES
    ) -> None:
        """
        Args:
            poll_seconds: how often to look for entries of other replicas.
            kept_entries: how many entries to keep in memory.
        """
        self.revision = 0
        self._execution = execution
        self._poll_seconds = poll_seconds
        self._kept_entries = kept_entries
        # The newest entries without a gap, of all projects: the last one is that of `revision`.
        self._kept: list[Kept] = []
        self._shared: dict[tuple[EntryQuery, int], Recent] = {}
        self._committed = asyncio.Event()
        # Watchers that have all there is, and those that wait for their turn, each in the order they came.
        self._resting: dict[asyncio.Future[None], None] = {}
        self._queued: dict[asyncio.Future[None], None] = {}
        self._giving_turns = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._watchers = 0
        self._unwatched = False

    async def start(self) -> None:
        """Begin at the end of the ledger."""
        self._loop = asyncio.get_running_loop()
        await self._skip()
        self._task = asyncio.create_task(self._follow(), name="ledger-tail")

    async def close(self) -> None:
        """Stop following, and wake every watcher so that it ends."""
        self._closed = True
        self._wake_watchers()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Follow the ledger for as long as the block runs: what nobody watches costs nothing."""
        if not self._watchers:
            self._unwatched = True
            self._committed.set()
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1

    @property
    def closed(self) -> bool:
        """Whether the server is stopping."""
        return self._closed

    def committed(self, _entries: Any) -> None:
        """Told by the writer, on its thread, that entries are durable."""
        # Whoever begins to watch only now reads the ledger after this commit.
        if self._loop is not None and self._watchers:
            with suppress(RuntimeError):  # the loop has ended, and with it every watcher
                self._loop.call_soon_threadsafe(self._committed.set)

    def since(self, revision: int, query: EntryQuery) -> Recent | None:
        """Matching entries after a revision, packed, and the revision up to which that is all.

        Those who wait for the same get the same messages, which nobody may change: with a thousand watchers,
        finding and packing them for each would take longer than sending them.

        Returns:
            None when the entries after ``revision`` are no longer kept.
        """
        if revision >= self.revision:
            return (), revision
        found = self._shared.get((query, revision))
        if found is None:
            skipped = revision - self.revision + len(self._kept)
            if skipped < 0:
                return None
            found = _matching(self._kept[skipped:], query, upto=self.revision)
            if len(self._shared) < SHARED_ANSWERS:
                self._shared[query, revision] = found
        return found

    async def wait(self, revision: int, *, seconds: float) -> None:
        """Return when there is an entry after ``revision``, the time is over, or the server stops.

        Who waits while there is such an entry waits for its turn: of all watchers together so many go on that
        half of the event loop's time is left to everybody else, and each is sent more at once instead.
        """
        if self._closed:
            return
        turn = asyncio.get_running_loop().create_future()
        if self.revision > revision:
            self._queue({turn: None})
        else:
            self._resting[turn] = None
        try:
            # Not wait_for: before Python 3.12 it loses a cancellation that comes together with what it waits for.
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await turn
        finally:
            self._resting.pop(turn, None)
            self._queued.pop(turn, None)

    async def _follow(self) -> None:
        away = False
        while not self._closed:
            # After the time it looks for entries of other replicas.
            with suppress(TimeoutError):
                # Not wait_for, which on Python 3.11 loses a cancellation that comes with the event.
                async with asyncio.timeout(self._poll_seconds):
                    await self._committed.wait()
            self._committed.clear()
            if not self._watchers:
                continue
            try:
                if self._unwatched:
                    await self._skip()
                while await self._advance():
                    pass
                away = False
            except Exception as error:  # noqa: BLE001 - were it to end, watchers would get heartbeats and nothing else
                # The database is away for a while: watchers get heartbeats, and nothing is lost.
                if not away:
                    _log.warning(
                        "watchers wait for the database: %s",
                        error,
                        exc_info=not isinstance(error, DomainError),
                    )
                away = True
                await asyncio.sleep(RETRY_SECONDS)

    async def _skip(self) -> None:
        """Go on from the end of the ledger; who wants to know what came before reads the table."""
        self.revision = await self._execution.read(lambda reader: reader.ledger.size())
        self._kept = []
        self._unwatched = False
        self._wake_watchers()

    async def _advance(self) -> bool:
        """Read what is new; True when there may be more."""
        after = self.revision
        entries = await self._execution.read(
            lambda reader: reader.ledger.after(after, _EVERYTHING, limit=READ_ENTRIES)
        )
        if not entries:
            return False
        self._kept += ((entry, entry_message(entry)) for entry in entries)
        del self._kept[: -self._kept_entries]
        self.revision = entries[-1].revision
        self._wake_watchers()
        return len(entries) == READ_ENTRIES

    def _wake_watchers(self) -> None:
        self._shared.clear()
        resting, self._resting = self._resting, {}
        self._queue(resting)

    def _queue(self, turns: dict[asyncio.Future[None], None]) -> None:
        self._queued.update(turns)
        if self._queued and not self._giving_turns:
            self._giving_turns = True
            asyncio.get_running_loop().call_soon(self._give_turns)

    def _give_turns(self) -> None:
        for turn in list(islice(self._queued, TURNS_AT_ONCE)):
            del self._queued[turn]
            if not turn.done():
                turn.set_result(None)
        # Once those have run; the loop's own clock stands still meanwhile.
        asyncio.get_running_loop().call_soon(self._pause, time.monotonic())

    def _pause(self, began: float) -> None:
        self._giving_turns = bool(self._queued)
        if self._giving_turns:
            asyncio.get_running_loop().call_later(time.monotonic() - began, self._give_turns)


def _matching(kept: Sequence[Kept], query: EntryQuery, *, upto: int) -> Recent:
    found: list[LedgerEntry] = []
    for entry, message in kept:
        if query.matches(entry):
            found.append(message)
            if len(found) == MAX_ENTRIES:
                upto = entry.revision
                break
    return tuple(packed(found, upto)), upto
