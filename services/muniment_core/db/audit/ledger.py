"""The tables of the ledger and the requests, row by row."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, or_, select

from muniment_core.db.audit.reading import (
    BATCH,
    Plain,
    fetch,
    fetch_plain,
    raw,
    raw_columns,
    stream,
    stream_plain,
)
from muniment_core.db.signing_tables import ledger_checkpoints, ledger_keys, ledger_recoveries
from muniment_core.db.tables import ledger_entries, ledger_head, ledger_nodes, requests

ENTRY_COLUMNS = tuple(column.name for column in ledger_entries.c)
REQUEST_COLUMNS = tuple(column.name for column in requests.c)

_ENTRIES = select(*raw_columns(ledger_entries)).order_by(ledger_entries.c.revision).limit(BATCH)
_ENTRIES_AFTER = _ENTRIES.where(ledger_entries.c.revision > bindparam("after"))
_NODES = (
    select(raw(ledger_nodes.c.position), raw(ledger_nodes.c.hash))
    .where(
        ledger_nodes.c.level == bindparam("level"),
        ledger_nodes.c.position >= bindparam("first"),
        ledger_nodes.c.position < bindparam("end"),
    )
    .order_by(ledger_nodes.c.position)
)
_LEVELS = select(ledger_nodes.c.level, func.count()).group_by(ledger_nodes.c.level)
_REQUESTS = select(*raw_columns(requests)).order_by(requests.c.revision)
_KEYS = select(*raw_columns(ledger_keys)).order_by(ledger_keys.c.revision)
_CHECKPOINTS = select(*raw_columns(ledger_checkpoints)).order_by(ledger_checkpoints.c.size)
_RECOVERIES = select(*raw_columns(ledger_recoveries)).order_by(ledger_recoveries.c.revision)
_HEADS = select(*raw_columns(ledger_head))


class LedgerRows:
    """The ledger's tables on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def entries(self) -> Iterator[list[Plain]]:
        """The entries in order of revision, in batches; columns as in :data:`ENTRY_COLUMNS`."""
        rows = fetch_plain(self._connection, _ENTRIES, {})
        while rows:
            yield rows
            rows = fetch_plain(self._connection, _ENTRIES_AFTER, {"after": rows[-1][0]})

    def nodes(self, level: int, first: int, count: int) -> list[Plain]:
        """Position and hash of the nodes of a level from one position on, those of ``count`` positions."""
        return fetch_plain(self._connection, _NODES, {"level": level, "first": first, "end": first + count})

    def node_counts(self) -> dict[int, int]:
        """How many nodes there are of each level."""
        return {row[0]: row[1] for row in self._connection.execute(_LEVELS)}

    def nodes_outside(self, size: int) -> Sequence[Row[Any]]:
        """Level and position of nodes that a tree of ``size`` leaves does not have, 100 at most."""
        levels = size.bit_length()
        columns = ledger_nodes.c
        outside = or_(
            columns.level < 1,
            columns.level >= max(levels, 1),
            columns.position < 0,
            *((columns.level == level) & (columns.position >= size >> level) for level in range(1, levels)),
        )
        statement = select(raw(columns.level), raw(columns.position)).where(outside).limit(100)
        return fetch(self._connection, statement, {})

    def requests(self) -> Generator[Sequence[Any], None, None]:
        """The remembered requests, in order of revision; columns as in :data:`REQUEST_COLUMNS`."""
        return stream_plain(self._connection, _REQUESTS)

    def log_keys(self) -> Sequence[Row[Any]]:
        """The keys of the log."""
        return fetch(self._connection, _KEYS, {})

    def checkpoints(self) -> Generator[Row[Any], None, None]:
        """The signed checkpoints, in order of size."""
        return stream(self._connection, _CHECKPOINTS)

    def recoveries(self) -> Sequence[Row[Any]]:
        """When the operator went on with another ledger."""
        return fetch(self._connection, _RECOVERIES, {})

    def heads(self) -> Sequence[Row[Any]]:
        """The rows of the head; there should be one."""
        return fetch(self._connection, _HEADS, {})
