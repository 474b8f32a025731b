"""The ledger's tree as it is stored: bytes and leaf hashes to verify, subtree hashes to prove with."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache

from sqlalchemy import CompoundSelect, Connection, and_, bindparam, literal, or_, select, union_all

from muniment_core.db.tables import ledger_entries, ledger_nodes
from muniment_core.domain.proofs import Place

_BODIES = (
    select(ledger_entries.c.revision, ledger_entries.c.body, ledger_entries.c.leaf_hash)
    .where(ledger_entries.c.revision > bindparam("after"))
    .order_by(ledger_entries.c.revision)
    .limit(bindparam("most"))
)
_STEP = 8
"""Statements are made for 8, 16, 24… subtrees, so that few of them are ever compiled."""


@cache
def _hashes(count: int) -> CompoundSelect[int, int, bytes]:
    """Reads so many subtrees, and leaves.

    The conditions are written one by one: SQLite looks pairs in a list up by reading the whole table.
    """
    nodes = ledger_nodes.c
    wanted = (
        and_(nodes.level == bindparam(f"level_{at}"), nodes.position == bindparam(f"position_{at}"))
        for at in range(count)
    )
    return union_all(
        select(nodes.level, nodes.position, nodes.hash).where(or_(*wanted)),
        select(literal(0), ledger_entries.c.revision - 1, ledger_entries.c.leaf_hash).where(
            ledger_entries.c.revision.in_(bindparam("revisions", expanding=True))
        ),
    )


class TreeStore:
    """Reads the tree on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def bodies(self, after: int, *, limit: int) -> Iterator[tuple[int, bytes, bytes]]:
        """Revision, bytes and stored leaf hash of the entries after a revision, in order."""
        for row in self._connection.execute(_BODIES, {"after": after, "most": limit}):
            yield row.revision, row.body, row.leaf_hash

    def hashes(self, places: Collection[Place]) -> dict[Place, bytes]:
        """The stored hashes of complete subtrees, in one statement; what is not stored is left out."""
        nodes = [place for place in places if place.level] or [Place(0, 0)]
        # What is asked for twice is answered once.
        nodes += [nodes[0]] * (-len(nodes) % _STEP)
        parameters: dict[str, object] = {
            "revisions": [place.position + 1 for place in places if not place.level]
        }
        for at, place in enumerate(nodes):
            parameters[f"level_{at}"], parameters[f"position_{at}"] = place.level, place.position
        rows = self._connection.execute(_hashes(len(nodes)), parameters)
        return {Place(level, position): hash_ for level, position, hash_ in rows}
