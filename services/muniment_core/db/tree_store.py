"""The ledger's tree as it is stored: bytes and leaf hashes to verify, subtree hashes to prove with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    bindparam,
    case,
    func,
    literal_column,
    select,
    type_coerce,
    union_all,
)

from muniment_core.db.id_list import among, each_of
from muniment_core.db.ledger_store import LedgerMoved
from muniment_core.db.prepared import Prepared
from muniment_core.db.signing_tables import ledger_checkpoints
from muniment_core.db.tables import ledger_entries, ledger_head, ledger_nodes
from muniment_core.domain.proofs import Place, order_of_arising
from muniment_core.domain.signing import SignedCheckpoint

_BODIES = (
    select(ledger_entries.c.revision, ledger_entries.c.body, ledger_entries.c.leaf_hash)
    .where(ledger_entries.c.revision > bindparam("after"))
    .order_by(ledger_entries.c.revision)
    .limit(bindparam("most"))
)
_LEVEL_BITS = 6
_UPPER_LEVEL = 9
"""Subtrees from here on are kept in memory: many proofs need each, and a million entries have 3,900 of them."""
_MOST_KEPT = 4_096
_KEPT = "upper subtrees"


def _hashes() -> Select[Any]:
    """Looks up subtrees and leaves, which are given as numbers: of each its position, then its level.

    Each by itself, so that no planner thinks of reading a table for all of them.
    """
    wanted = each_of("wanted")
    level, position = wanted.op("&")(2**_LEVEL_BITS - 1), wanted.op(">>")(_LEVEL_BITS)
    leaf = select(ledger_entries.c.leaf_hash).where(ledger_entries.c.revision == position + 1)
    node = select(ledger_nodes.c.hash).where(
        ledger_nodes.c.level == level, ledger_nodes.c.position == position
    )
    found = case((level == 0, leaf.scalar_subquery()), else_=node.scalar_subquery())
    return select(type_coerce(wanted, BigInteger), found)


def _hashes_in_order() -> CompoundSelect[Any]:
    """Looks up subtrees by the rows of SQLite that they should be in, and leaves; of each its number.

    SQLite numbers the rows of a table as they are inserted, and the writer inserts subtrees as they arise. So the
    lower ones of a proof, which hardly any other proof needs, stand side by side, where the index of levels and
    positions has each on a page of its own. No constraint holds rows to that, so each tells which subtree it is.
    """
    node, leaf = ledger_nodes.c, ledger_entries.c
    row = literal_column("ledger_nodes.rowid", BigInteger())
    return union_all(
        select(node.position.op("<<")(_LEVEL_BITS).op("|")(node.level), node.hash).where(among(row, "rows")),
        select((leaf.revision - 1).op("<<")(_LEVEL_BITS), leaf.leaf_hash).where(
            among(leaf.revision, "revisions")
        ),
    )


def _standing(size: ColumnElement[int]) -> Select[Any]:
    """Looks up an entry, the length of the ledger, and the checkpoint of a size."""
    entry, signed = ledger_entries.c, ledger_checkpoints.c
    return select(
        ledger_head.c.size.label("length"),
        entry.project,
        entry.leaf_hash,
        *(column.label(f"signed_{column.key}") for column in signed),
    ).select_from(
        ledger_head.outerjoin(
            ledger_entries, entry.revision == bindparam("revision", type_=BigInteger())
        ).outerjoin(ledger_checkpoints, signed.size == size)
    )


_HASHES = Prepared(_hashes())
_HASHES_IN_ORDER = Prepared(_hashes_in_order())
_AT_SIZE = Prepared(_standing(bindparam("size", type_=BigInteger())))
_AT_LATEST = Prepared(_standing(select(func.max(ledger_checkpoints.c.size)).scalar_subquery()))


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an entry stands.

    Attributes:
        length: of the ledger.
        project: of the entry; None if there is no such entry.
        signed: the checkpoint that was asked for, if there is one.
    """

    length: int
    project: str | None
    leaf: bytes
    signed: SignedCheckpoint | None


class TreeStore:
    """Reads the tree on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def bodies(self, after: int, *, limit: int) -> Iterator[tuple[int, bytes, bytes]]:
        """Revision, bytes and stored leaf hash of the entries after a revision, in order."""
        for row in self._connection.execute(_BODIES, {"after": after, "most": limit}):
            yield row.revision, row.body, row.leaf_hash

    def standing(self, revision: int, size: int) -> Standing:
        """An entry, and the checkpoint of a size (0: the newest)."""
        if size:
            row = _AT_SIZE.first(self._connection, revision=revision, size=size)
        else:
            row = _AT_LATEST.first(self._connection, revision=revision)
        if row is None:
            raise LedgerMoved("the ledger has no head")
        signed = None
        if row.signed_size is not None:
            signed = SignedCheckpoint(
                row.signed_size,
                row.signed_root_hash,
                row.signed_note,
                row.signed_key_revision,
                row.signed_time,
            )
        return Standing(row.length, row.project, row.leaf_hash or b"", signed)

    def hashes(self, places: Iterable[Place]) -> dict[Place, bytes]:
        """The stored hashes of complete subtrees; what is not stored is left out.

        One statement gives them; another one on SQLite what does not stand in the order in which it arose.
        """
        wanted = {position << _LEVEL_BITS | level: Place(level, position) for level, position in places}
        found: dict[Place, bytes] = {}
        if self._connection.dialect.name == "sqlite":
            for number, hash_ in self._in_order(wanted.values()):
                if number in wanted:
                    found[wanted.pop(number)] = hash_
        if wanted:
            for number, hash_ in _HASHES.all(self._connection, wanted=list(wanted)):
                if hash_ is not None:
                    found[wanted[number]] = hash_
        return found

    def _in_order(self, places: Iterable[Place]) -> list[Any]:
        rows, revisions = [], []
        for place in places:
            if place.level:
                rows.append(order_of_arising(place))
            else:
                revisions.append(place.position + 1)
        return _HASHES_IN_ORDER.all(self._connection, rows=rows, revisions=revisions)

    def hashes_for_proof(self, places: Iterable[Place]) -> dict[Place, bytes]:
        """The same, of which :meth:`keep` may have kept some: for who checks what they lead to."""
        kept: dict[Place, bytes] = self._connection.info.get(_KEPT, {})
        found, lacking = {}, []
        for place in places:
            hash_ = kept.get(place)
            if hash_ is None:
                lacking.append(place)
            else:
                found[place] = hash_
        found.update(self.hashes(lacking))
        return found

    def keep(self, hashes: Mapping[Place, bytes]) -> None:
        """Keep hashes that led to a root that was signed: they never change.

        With this very connection: another one may be to a database that was put back to an older state.
        """
        kept: dict[Place, bytes] = self._connection.info.setdefault(_KEPT, {})
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept.update((place, hash_) for place, hash_ in hashes.items() if place[0] >= _UPPER_LEVEL)
