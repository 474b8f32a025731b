"""One watcher: it catches up from the table, then follows the tail, with fixed memory.

Guarantees, each with a test of its name: ordered, unique, atomic, reliable, resumable, bookmarked, filtered.
A slow reader is held back by flow control alone; when it reads again and the tail has moved on, it is
catching up once more, and no writer ever waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial

from muniment.v1 import promotion_service_pb2 as pb
from muniment_core.db.ledger_store import EntryQuery
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.errors import InvalidField, ShuttingDown
from muniment_core.rpc.convert import entry_message
from muniment_core.rpc.execution import Execution

from muniment_promotion.watch.packing import MAX_ENTRIES, packed
from muniment_promotion.watch.tail import LedgerTail


async def follow(
    execution: Execution, tail: LedgerTail, query: EntryQuery, *, after: int, heartbeat_seconds: float
) -> AsyncIterator[pb.WatchResponse]:
    """Every matching entry after a revision, in order, each once; heartbeats between them.

    The first message covers whatever was committed when the watch began, so that a client learns from it where
    the ledger stands.

    Raises:
        InvalidField: if the ledger has not reached the revision.
        ShuttingDown: when the server stops.
    """
    head = await execution.read(lambda reader: reader.ledger.size())
    if after > head:
        raise InvalidField(
            "after_revision",
            f"is {after}, while the ledger is at {head}: that revision is of another registry",
        )
    with tail.watched():
        clock = asyncio.get_running_loop().time
        # The first message comes at once: it tells that the watch stands.
        position, next_message_due = after, clock()
        while not tail.closed:
            # What another replica, or this process a moment ago, committed may not be in the tail yet.
            behind = position == after and tail.revision < head
            recent = None if behind else tail.since(position, query)
            if recent is None:
                from_table = partial(_from_table, query=query, after=position)
                # Who is far behind reads on until a message is full of what it asked for.
                is_far = max(head, tail.revision) - position > MAX_ENTRIES
                recent = await (execution.query if is_far else execution.read)(from_table)
            responses, position = recent
            for response in responses:
                yield response
            if responses:
                next_message_due = clock() + heartbeat_seconds
            elif clock() >= next_message_due:
                yield pb.WatchResponse(revision=position)
                next_message_due = clock() + heartbeat_seconds
            await tail.wait(position, seconds=next_message_due - clock())
    raise ShuttingDown


def _from_table(reader: Reader, query: EntryQuery, after: int) -> tuple[Sequence[pb.WatchResponse], int]:
    head = reader.ledger.size()
    entries = reader.ledger.after(after, query, limit=MAX_ENTRIES, upto=head)
    complete_to = entries[-1].revision if len(entries) == MAX_ENTRIES else head
    return list(packed([entry_message(entry) for entry in entries], complete_to)), complete_to
