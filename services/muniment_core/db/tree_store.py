"""The ledger's tree as it is stored: bytes and leaf hashes to verify, subtree hashes to prove with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, bindparam, literal, select, tuple_, union_all

from muniment_core.db.tables import ledger_entries, ledger_nodes
from muniment_core.domain.proofs import Place

_BODIES = (
    select(ledger_entries.c.revision, ledger_entries.c.body, ledger_entries.c.leaf_hash)
    .where(ledger_entries.c.revision > bindparam("after"))
    .order_by(ledger_entries.c.revision)
    .limit(bindparam("most"))
)
_HASHES = union_all(
    select(ledger_nodes.c.level, ledger_nodes.c.position, ledger_nodes.c.hash).where(
        tuple_(ledger_nodes.c.level, ledger_nodes.c.position).in_(bindparam("nodes", expanding=True))
    ),
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

    def hashes(self, places: Iterable[Place]) -> dict[Place, bytes]:
        """The stored hashes of complete subtrees, in one statement; what is not stored is left out."""
        nodes = [(place.level, place.position) for place in places if place.level]
        revisions = [place.position + 1 for place in places if not place.level]
        rows = self._connection.execute(_HASHES, {"nodes": nodes, "revisions": revisions})
        return {Place(level, position): hash_ for level, position, hash_ in rows}
