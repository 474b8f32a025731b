"""The ledger's own tables: every row, every node, the head and the remembered requests, in one pass."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

from muniment.ledger.columns import ColumnReader
from muniment.ledger.entries import Body, MalformedEntry, read_body
from muniment.ledger.fold import Fold
from muniment.ledger.tree import GrowingTree, expected_subtrees
from muniment_core.db.audit.ledger import ENTRY_COLUMNS, LedgerRows
from muniment_core.db.audit.predictions import PredictionRows
from muniment_core.signing.anchor import Anchored

from muniment_server.fsck.difference import Difference, compare, microseconds, missing, shown
from muniment_server.fsck.predictions import TYPES, BatchesCheck
from muniment_server.fsck.requests import RequestsCheck
from muniment_server.fsck.signatures import SignaturesCheck

ENTRIES, NODES, HEAD = "ledger_entries", "ledger_nodes", "ledger_head"

_OWN_COLUMNS = ENTRY_COLUMNS[:-2]
"""All but ``body`` and ``leaf_hash``: those a body repeats."""

_NEVER = 2**63
_sha256 = hashlib.sha256


class LedgerCheck:
    """One pass over the ledger.

    Attributes:
        fold: the state the entries imply, complete when the pass is over.
        tree: the tree over the bodies, likewise; of no meaning when ``whole`` is False.
        whole: whether no entry is missing.
    """

    def __init__(
        self,
        rows: LedgerRows,
        predictions: PredictionRows,
        *,
        anchored: Anchored | None = None,
        remembered_since: datetime | None = None,
        progress: Callable[[int], None] = lambda _count: None,
    ) -> None:
        self._rows = rows
        self._progress = progress
        self.fold = Fold()
        self.tree = GrowingTree()
        self.whole = True
        self._next = 1
        self._columns = ColumnReader()
        self._requests = RequestsCheck(rows, remembered_since=remembered_since)
        self._batches = BatchesCheck(predictions)
        self._signatures = SignaturesCheck(rows, anchored)
        self._signed_next = self._signatures.next_size or _NEVER

    def run(self) -> Iterator[Difference]:
        """Everything that differs."""
        with closing(self._requests), closing(self._batches), closing(self._signatures):
            yield from self._pass()

    def _pass(self) -> Iterator[Difference]:
        for batch in self._rows.entries():
            leaves: list[bytes] = []
            arisen: dict[int, tuple[int, list[bytes]]] = {}
            for row in batch:
                # No generator per row: a check of a large ledger consists of this loop.
                if found := self._entry(row, leaves):
                    yield from found
                if self._next > self._signed_next:
                    yield from self._signed(leaves, arisen)
            self._grow(leaves, arisen)
            if self.whole:
                for level, (first, hashes) in arisen.items():
                    yield from self._nodes(level, first, hashes)
            self._progress(self.size)
        yield from self._requests.rest()
        yield from self._batches.rest()
        if self.whole:
            yield from self._signatures.rest(self.size, self.fold)
            yield from self._surplus_nodes()
        yield from self._head()

    def _grow(self, leaves: list[bytes], arisen: dict[int, tuple[int, list[bytes]]]) -> None:
        """Append leaves to the tree, and put the subtrees that arise to those of the same level."""
        for subtrees in self.tree.append(leaves):
            arisen.setdefault(subtrees.level, (subtrees.position, []))[1].extend(subtrees.hashes)
        leaves.clear()

    def _signed(
        self, leaves: list[bytes], arisen: dict[int, tuple[int, list[bytes]]]
    ) -> Iterator[Difference]:
        """Compare the tree with what was signed of the size it has with these leaves."""
        self._grow(leaves, arisen)
        if self.whole:
            yield from self._signatures.at(self.size, self.tree.root, self.fold)
        self._signed_next = self._signatures.next_size or _NEVER

    @property
    def size(self) -> int:
        """The revision of the last entry."""
        return self._next - 1

    def _entry(self, row: Any, leaves: list[bytes]) -> list[Difference]:
        revision, body = row[0], row[-2]
        found: list[Difference] = []
        if revision != self._next:
            if revision < self._next:
                return [
                    Difference(ENTRIES, str(revision), "revision", f"is {revision}", "the first entry is 1")
                ]
            found.append(_gap(self._next, revision - 1))
            self.whole = False
        self._next = revision + 1
        if type(body) is not bytes:
            self.whole = False
            return [
                *found,
                Difference(ENTRIES, str(revision), "body", f"is {shown(body)}", "bytes are needed"),
            ]
        hashed = _sha256(b"\x00" + body).digest()
        leaves.append(hashed)
        if hashed != row[-1]:
            says = f"its body hashes to {hashed.hex()}"
            found.append(Difference(ENTRIES, str(revision), "leaf_hash", f"is {shown(row[-1])}", says))
        members = self._columns.read(row[:-2], body)
        if members is None:
            try:
                members = read_body(body)
            except MalformedEntry as error:
                return [*found, Difference(ENTRIES, str(revision), "body", f"cannot be read: {error}")]
            columns = dict(zip(_OWN_COLUMNS, row, strict=False))
            told = dict(zip(_OWN_COLUMNS, _told(members), strict=True))
            found += compare(ENTRIES, revision, columns, told, by="its body")
        for contradiction in self.fold.apply(members):
            found.append(Difference(ENTRIES, str(revision), "body", contradiction))
        if members["type"] in TYPES:
            found += self._batches.check(revision, members)
        return found + self._requests.check(revision, members)

    def _nodes(self, level: int, first: int, hashes: list[bytes]) -> Iterator[Difference]:
        rows = self._rows.nodes(level, first, len(hashes))
        if len(rows) == len(hashes) and all(row[1] == hash for row, hash in zip(rows, hashes, strict=True)):
            return
        stored = {row[0]: row[1] for row in rows}
        for position, hash in enumerate(hashes, first):
            if position not in stored:
                yield missing(NODES, f"{level}/{position}", "the tree has it")
            elif stored[position] != hash:
                yield Difference(
                    NODES,
                    f"{level}/{position}",
                    "hash",
                    f"is {shown(stored[position])}",
                    f"the entries below hash to {hash.hex()}",
                )

    def _surplus_nodes(self) -> Iterator[Difference]:
        expected = dict(enumerate(expected_subtrees(self.tree.size), 1))
        if self._rows.node_counts() == {level: count for level, count in expected.items() if count}:
            return
        for row in self._rows.nodes_outside(self.tree.size):
            yield Difference(
                NODES,
                f"{shown(row.level)}/{shown(row.position)}",
                "",
                "is there",
                f"a tree of {self.tree.size} entries has no such node",
            )

    def _head(self) -> Iterator[Difference]:
        heads = self._rows.heads()
        expected: dict[str, object] = {"id": 1, "size": self.size, "alarm": ""}
        if self.whole:
            expected |= {"root_hash": self.tree.root, "frontier": b"".join(self.tree.frontier)}
        if not heads:
            yield missing(HEAD, "1", f"there are {self.size} entries")
        for head in heads:
            yield from compare(HEAD, head.id, head._mapping, expected, by="what the entries add up to")
            if type(head.size) is int and head.size > self.size:
                yield _gap(self.size + 1, head.size)


def _told(members: Body) -> tuple[Any, ...]:
    """What a body says the columns are, in their order."""
    get = members.get
    return (
        members["revision"],
        members["type"],
        microseconds(members["time"]),
        members["actor"],
        get("project", ""),
        get("model", ""),
        get("stage", ""),
        get("number", 0),
        get("previous_number", 0),
        get("digest", ""),
        get("reason", ""),
    )


def _gap(first: int, last: int) -> Difference:
    return missing(ENTRIES, str(first) if first == last else f"{first} to {last}", "revisions have no gap")
