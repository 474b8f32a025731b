"""Which blobs are about to be removed, and how those who store blobs and those who remove them keep clear.

Whoever makes a blob durable and then writes a row that refers to it, and whoever decides that nothing refers to
it and then removes it, must not pass each other by. Two things see to that. Rows that refer to blobs are written
under a lock that many may hold, decisions are made under the same lock held alone (on SQLite there is one writer
anyway). And a removal is told of before it begins (``DELETING``) and counted when it is done (``epoch``): who
stored a blob, and finds neither the one nor a change of the other, knows that the blob is still there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from muniment.digests import Digest
from sqlalchemy import Connection, bindparam, delete, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from muniment_core.db.artifact_tables import collections, condemned_blobs
from muniment_core.db.needs import needed_blobs
from muniment_core.db.prepared import Prepared
from muniment_core.db.tables import ledger_head
from muniment_core.domain.tiers import Fate, Shelf

_SLICE = 500
"""Digests of one statement."""

LOCK = 0x6D756E67
"""Held by all who refer to blobs, and alone by who decides that nobody does."""

_EPOCH = Prepared(
    select(
        func.coalesce(func.max(collections.c.epoch), 0).label("epoch"),
        select(func.count()).select_from(condemned_blobs).scalar_subquery().label("condemned"),
    )
)
_OF_SHELF = (
    condemned_blobs.c.shelf == bindparam("on_shelf"),
    condemned_blobs.c.digest.in_(bindparam("digests", expanding=True)),
)
_DELETING = select(condemned_blobs.c.digest).where(*_OF_SHELF, condemned_blobs.c.fate == Fate.DELETING)
_SPARE = delete(condemned_blobs).where(*_OF_SHELF, condemned_blobs.c.fate == Fate.CONDEMNED)
_DOOM = update(condemned_blobs).where(*_OF_SHELF).values(fate=Fate.DELETING)
_FORGET = delete(condemned_blobs).where(*_OF_SHELF)
_ON_THEIR_WAY = (
    select(condemned_blobs.c.shelf, condemned_blobs.c.digest, condemned_blobs.c.size, condemned_blobs.c.fate)
    .where(condemned_blobs.c.shelf.in_(bindparam("shelves", expanding=True)))
    .order_by(condemned_blobs.c.shelf, condemned_blobs.c.digest)
    .limit(bindparam("most"))
)
_CONDEMN = {
    "sqlite": sqlite.insert(condemned_blobs).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(condemned_blobs).on_conflict_do_nothing(),
}
_COUNT = {
    name: dialect.insert(collections)
    .values(id=1, epoch=1)
    .on_conflict_do_update(index_elements=["id"], set_={"epoch": collections.c.epoch + 1})
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}


class CollectedMeanwhile(Exception):
    """Blobs were removed since the epoch in which the caller stored its own.

    Attributes:
        epoch: the epoch now.
        deleting: whether one of the caller's blobs is being removed right now.
    """

    def __init__(self, epoch: int, *, deleting: bool) -> None:
        super().__init__(f"blobs were removed, the epoch is {epoch} now")
        self.epoch = epoch
        self.deleting = deleting


@dataclass(frozen=True, slots=True)
class CondemnedBlob:
    """A blob on its way out."""

    shelf: Shelf
    digest: Digest
    size: int


class CollectionStore:
    """What is about to be removed, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def epoch(self) -> int:
        """How often blobs were removed so far."""
        return self._epoch()[0]

    def claim(self, shelf: Shelf, digests: Iterable[Digest], *, epoch: int) -> None:
        """Make sure, until the transaction ends, that blobs which were there in an epoch are not removed.

        Condemned ones are spared. Rows that refer to the blobs are written afterwards in the same transaction.

        Raises:
            CollectedMeanwhile: if one of them may be gone.
        """
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": LOCK})
        now, condemned = self._epoch()
        if condemned:
            remaining = iter(digests)
            while part := list(islice(remaining, _SLICE)):
                asked = _asked(shelf, part)
                if self._connection.execute(_DELETING, asked).first() is not None:
                    raise CollectedMeanwhile(now, deleting=True)
                self._connection.execute(_SPARE, asked)
        if now != epoch:
            raise CollectedMeanwhile(now, deleting=False)

    def decide(self) -> None:
        """Begin to decide: until the transaction ends nobody else writes a row that refers to bytes.

        The ledger's head is locked first, as by all changes of the registry, so that versions stay as they are.
        """
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(select(ledger_head.c.size).with_for_update())
            self._connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})

    def condemn(self, blobs: Sequence[CondemnedBlob], *, now: datetime) -> int:
        """Condemn those of the blobs that nothing needs; how many that are. Within :meth:`decide`."""
        condemned = 0
        for shelf in dict.fromkeys(blob.shelf for blob in blobs):
            mine = [blob for blob in blobs if blob.shelf is shelf]
            needed = needed_blobs(self._connection, shelf, [blob.digest for blob in mine])
            rows = [
                {
                    "shelf": shelf,
                    "digest": blob.digest.text,
                    "size": blob.size,
                    "fate": Fate.CONDEMNED,
                    "time": now,
                }
                for blob in mine
                if blob.digest not in needed
            ]
            if rows:
                self._connection.execute(_CONDEMN[self._connection.dialect.name], rows)
            condemned += len(rows)
        return condemned

    def doom(self, shelves: Iterable[Shelf], *, limit: int) -> list[CondemnedBlob]:
        """Say of condemned blobs that they are being removed, unless something needs them after all.

        Within :meth:`decide`.

        Returns:
            The blobs to be removed, those first that somebody else began to remove and did not finish. None: no
            more are condemned.
        """
        while True:
            asked = {"shelves": [str(shelf) for shelf in shelves], "most": limit}
            rows = self._connection.execute(_ON_THEIR_WAY, asked).all()
            doomed: list[CondemnedBlob] = []
            for shelf in dict.fromkeys(row.shelf for row in rows):
                mine = [row for row in rows if row.shelf == shelf]
                condemned = [Digest(row.digest) for row in mine if row.fate == Fate.CONDEMNED]
                needed = needed_blobs(self._connection, Shelf(shelf), condemned) if condemned else set()
                if needed:
                    self._connection.execute(_FORGET, _asked(Shelf(shelf), needed))
                gone = [row for row in mine if Digest(row.digest) not in needed]
                if gone:
                    self._connection.execute(
                        _DOOM, _asked(Shelf(shelf), [Digest(row.digest) for row in gone])
                    )
                doomed += [CondemnedBlob(Shelf(shelf), Digest(row.digest), row.size) for row in gone]
            if doomed or not rows:
                return doomed

    def forget(self, blobs: Sequence[CondemnedBlob]) -> None:
        """Say that blobs were removed: from here on whoever stored one of them looks whether it is there."""
        for shelf in dict.fromkeys(blob.shelf for blob in blobs):
            mine = [blob.digest for blob in blobs if blob.shelf is shelf]
            self._connection.execute(_FORGET, _asked(shelf, mine))
        self._connection.execute(_COUNT[self._connection.dialect.name])

    def _epoch(self) -> tuple[int, int]:
        found = _EPOCH.first(self._connection)
        return (found.epoch, found.condemned) if found is not None else (0, 0)


def _asked(shelf: Shelf, digests: Iterable[Digest]) -> dict[str, object]:
    return {"on_shelf": shelf, "digests": [digest.text for digest in digests]}
