"""The ledger: appended to by the writer alone, read by everyone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, insert, or_, select, update

from muniment_core.db.prepared import Prepared, Question, Rows
from muniment_core.db.tables import ledger_entries, ledger_head, ledger_nodes
from muniment_core.db.trips import run_in_one_trip
from muniment_core.domain.ledger import Entry, EntryDraft
from muniment_core.domain.merkle import Frontier, Node

_SELECT_HEAD = select(
    ledger_head.c.size, ledger_head.c.root_hash, ledger_head.c.frontier, ledger_head.c.alarm
)
_HEAD = Prepared(_SELECT_HEAD)
_LOCKED_HEAD = Prepared(_SELECT_HEAD.with_for_update())
_SIZE = Prepared(select(ledger_head.c.size))
_TIME = select(ledger_entries.c.time).where(ledger_entries.c.revision == bindparam("revision"))
_MOVE_HEAD = Prepared(
    update(ledger_head)
    .where(ledger_head.c.size == bindparam("expected"))
    .values(size=bindparam("new_size"), root_hash=bindparam("new_root"), frontier=bindparam("new_frontier"))
)
_ENTRIES = select(ledger_entries)
# What every process runs after every commit, for its watchers.
_FOLLOWING = Prepared(
    _ENTRIES.where(ledger_entries.c.revision > bindparam("after"))
    .order_by(ledger_entries.c.revision)
    .limit(bindparam("most"))
)
_INSERT_ENTRY = Prepared(insert(ledger_entries), columns=[column.key for column in ledger_entries.c])
_INSERT_NODE = Prepared(insert(ledger_nodes), columns=[column.key for column in ledger_nodes.c])


class LedgerMoved(RuntimeError):
    """The head moved although it was locked: somebody wrote past the writer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryQuery:
    """Which entries are meant; what is None or empty does not restrict.

    Attributes:
        number: of a version: entries about it, and those that moved a stage or an alias away from it; 0: any.
        types: exact types, or beginnings when they end in ``.*``.
        start_time: first time included.
        end_time: first time no longer included.
    """

    project: str | None = None
    model: str = ""
    number: int = 0
    stage: str = ""
    actor: str = ""
    types: tuple[str, ...] = ()
    start_time: datetime | None = None
    end_time: datetime | None = None

    @property
    def filters(self) -> bool:
        """Whether it asks for less than all entries of a project, or of all projects."""
        return self != EntryQuery(project=self.project)

    def matches(self, entry: Entry) -> bool:
        """The same conditions, judged in Python, for entries that are in memory."""
        draft = entry.draft
        return (
            (self.project is None or draft.project == self.project)
            and (not self.model or draft.model == self.model)
            and (not self.number or self.number in (draft.number, draft.previous_number))
            and (not self.stage or draft.stage == self.stage)
            and (not self.actor or entry.actor == self.actor)
            and (not self.types or any(_type_matches(pattern, draft.type) for pattern in self.types))
            and (self.start_time is None or entry.time >= self.start_time)
            and (self.end_time is None or entry.time < self.end_time)
        )


def _type_matches(pattern: str, entry_type: str) -> bool:
    return entry_type.startswith(pattern[:-1]) if pattern.endswith(".*") else entry_type == pattern


@dataclass(frozen=True, slots=True)
class StoredHead:
    """The head's row, believed by nobody yet.

    Attributes:
        packed_frontier: hashes of the complete subtrees, one after the other.
        alarm: why nothing may be written; empty when all is well.
    """

    size: int
    root: bytes
    packed_frontier: bytes
    alarm: str

    @property
    def frontier(self) -> Frontier:
        """The frontier of the tree.

        Raises:
            ValueError: if it does not fit the size.
        """
        return Frontier.from_bytes(self.size, self.packed_frontier)


_EVERYTHING = EntryQuery()


class LedgerStore:
    """Reads and appends entries on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def size(self) -> int:
        """Number of entries, which is the newest revision."""
        return int(_the_one(_SIZE.first(self._connection)).size)

    def head(self) -> Frontier:
        """The frontier of the tree."""
        return self.stored_head().frontier

    def stored_head(self) -> StoredHead:
        """The row of the head as it stands."""
        row = _the_one(_HEAD.first(self._connection))
        return StoredHead(row.size, row.root_hash, row.frontier, row.alarm)

    def time_of(self, revision: int) -> datetime:
        """Time of an entry; the earliest one there is for a revision without an entry."""
        found = self._connection.execute(_TIME, {"revision": revision}).scalar_one_or_none()
        return found or datetime.min.replace(tzinfo=UTC)

    def set_alarm(self, why: str) -> None:
        """Say why nothing may be written any more, in no process; empty: all is well again."""
        self._connection.execute(update(ledger_head).values(alarm=why))

    def append(self, before: Frontier, entries: Sequence[Entry]) -> None:
        """Append entries in order of revision and move the head, as the last statement.

        Raises:
            LedgerMoved: if the head is not where ``before`` says.
        """
        check_moved(before, run_in_one_trip(self._connection, appending(before, entries)))

    def entry(self, revision: int) -> Entry | None:
        """One entry, or None."""
        row = self._connection.execute(_ENTRIES.where(ledger_entries.c.revision == revision)).one_or_none()
        return None if row is None else _entry(row)

    def after(self, revision: int, query: EntryQuery, *, limit: int, upto: int | None = None) -> list[Entry]:
        """Matching entries with a greater revision (and at most ``upto``), oldest first."""
        if query == _EVERYTHING and upto is None:
            return [_entry(row) for row in _FOLLOWING.all(self._connection, after=revision, most=limit)]
        statement = _restricted(query).where(ledger_entries.c.revision > revision)
        if upto is not None:
            statement = statement.where(ledger_entries.c.revision <= upto)
        rows = self._connection.execute(statement.order_by(ledger_entries.c.revision).limit(limit))
        return [_entry(row) for row in rows]

    def before(self, revision: int | None, query: EntryQuery, *, limit: int) -> list[Entry]:
        """Matching entries with a smaller revision (None: all), newest first."""
        statement = _restricted(query)
        if revision is not None:
            statement = statement.where(ledger_entries.c.revision < revision)
        rows = self._connection.execute(statement.order_by(ledger_entries.c.revision.desc()).limit(limit))
        return [_entry(row) for row in rows]


def asking_for_head(*, lock: bool) -> Question:
    """What reads the head; with ``lock`` no other transaction appends until this one ends."""
    return (_LOCKED_HEAD if lock else _HEAD), {}


def head_of(rows: Sequence[Any]) -> tuple[Frontier, str]:
    """Frontier and alarm, from what :func:`asking_for_head` gave."""
    row = _the_one(rows[0] if rows else None)
    return Frontier.from_bytes(row.size, row.frontier), row.alarm


def appending(before: Frontier, entries: Sequence[Entry]) -> list[Rows]:
    """The statements that append entries in order of revision; the last one moves the head."""
    after, nodes = before.append([entry.leaf_hash for entry in entries])
    head = {
        "expected": before.size,
        "new_size": after.size,
        "new_root": after.root,
        "new_frontier": after.to_bytes(),
    }
    work: list[Rows] = [(_INSERT_ENTRY, [_entry_row(entry) for entry in entries])]
    if nodes:
        work.append((_INSERT_NODE, [_node_row(node) for node in nodes]))
    return [*work, (_MOVE_HEAD, [head])]


def check_moved(before: Frontier, touched: int) -> None:
    """Make sure that the head was where it was to be.

    Args:
        touched: how many rows the last statement of :func:`appending` touched.

    Raises:
        LedgerMoved: if it was not.
    """
    if touched != 1:
        raise LedgerMoved(f"the ledger is no longer {before.size} entries long")


def _the_one(row: Any | None) -> Any:
    if row is None:
        raise LedgerMoved("the ledger has no head")
    return row


def _restricted(query: EntryQuery) -> Select[Any]:
    columns = ledger_entries.c
    conditions = [
        column == value
        for column, value in (
            (columns.model, query.model),
            (columns.stage, query.stage),
            (columns.actor, query.actor),
        )
        if value
    ]
    if query.project is not None:
        conditions.append(columns.project == query.project)
    if query.number:
        conditions.append(or_(columns.number == query.number, columns.previous_number == query.number))
    if query.types:
        conditions.append(
            or_(
                *(
                    columns.type.startswith(pattern[:-1], autoescape=True)
                    if pattern.endswith(".*")
                    else columns.type == pattern
                    for pattern in query.types
                )
            )
        )
    if query.start_time is not None:
        conditions.append(columns.time >= query.start_time)
    if query.end_time is not None:
        conditions.append(columns.time < query.end_time)
    return _ENTRIES.where(and_(True, *conditions))


def _entry(row: Row[Any]) -> Entry:
    draft = EntryDraft(
        type=row.type,
        project=row.project,
        model=row.model,
        stage=row.stage,
        number=row.number,
        previous_number=row.previous_number,
        digest=row.digest,
        reason=row.reason,
    )
    return Entry(row.revision, row.time, row.actor, draft, row.body, row.leaf_hash)


def _entry_row(entry: Entry) -> dict[str, object]:
    draft = entry.draft
    return {
        "revision": entry.revision,
        "type": draft.type,
        "time": entry.time,
        "actor": entry.actor,
        "project": draft.project,
        "model": draft.model,
        "stage": draft.stage,
        "number": draft.number,
        "previous_number": draft.previous_number,
        "digest": draft.digest,
        "reason": draft.reason,
        "body": entry.body,
        "leaf_hash": entry.leaf_hash,
    }


def _node_row(node: Node) -> dict[str, object]:
    return {"level": node.level, "position": node.position, "hash": node.hash}
