"""The ledger's own tables: every row, every node, the head and the remembered requests, in one pass."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from muniment.ledger.entries import Body, MalformedEntry, read_body, request_digest
from muniment.ledger.fold import Fold
from muniment.ledger.tree import GrowingTree, Subtrees, expected_subtrees
from muniment_core.db.audit.ledger import ENTRY_COLUMNS, LedgerRows

from muniment_server.fsck.difference import Difference, compare, microseconds, missing, shown

ENTRIES, NODES, HEAD, REQUESTS = "ledger_entries", "ledger_nodes", "ledger_head", "requests"

_OWN_COLUMNS = ENTRY_COLUMNS[:-2]
"""All but ``body`` and ``leaf_hash``: those a body repeats."""

_sha256 = hashlib.sha256


class LedgerCheck:
    """One pass over the ledger.

    Attributes:
        fold: the state the entries imply, complete when the pass is over.
        tree: the tree over the bodies, likewise; of no meaning when ``whole`` is False.
        whole: whether no entry is missing.
    """

    def __init__(self, rows: LedgerRows, *, progress: Callable[[int], None] = lambda _count: None) -> None:
        self._rows = rows
        self._progress = progress
        self.fold = Fold()
        self.tree = GrowingTree()
        self.whole = True
        self._next = 1
        self._time = ""
        self._microseconds: int | None = None
        self._requests = _Requests(rows)

    def run(self) -> Iterator[Difference]:
        """Everything that differs."""
        for batch in self._rows.entries():
            leaves: list[bytes] = []
            for row in batch:
                yield from self._entry(row, leaves)
            if self.whole:
                for subtrees in self.tree.append(leaves):
                    yield from self._nodes(subtrees)
            self._progress(self._next - 1)
        yield from self._requests.rest()
        yield from self._head()
        if self.whole:
            yield from self._surplus_nodes()

    @property
    def size(self) -> int:
        """The revision of the last entry."""
        return self._next - 1

    def _entry(self, row: Any, leaves: list[bytes]) -> Iterator[Difference]:
        revision, body, leaf_hash = row[0], row[-2], row[-1]
        if revision != self._next:
            if revision < self._next:
                yield Difference(ENTRIES, str(revision), "revision", f"is {revision}", "the first entry is 1")
                return
            yield _gap(self._next, revision - 1)
            self.whole = False
        self._next = revision + 1
        if type(body) is not bytes:
            yield Difference(ENTRIES, str(revision), "body", f"is {shown(body)}", "bytes are needed")
            self.whole = False
            return
        hashed = _sha256(b"\x00" + body).digest()
        leaves.append(hashed)
        if hashed != leaf_hash:
            yield Difference(
                ENTRIES,
                str(revision),
                "leaf_hash",
                f"is {shown(leaf_hash)}",
                f"its body hashes to {hashed.hex()}",
            )
        try:
            members = read_body(body)
        except MalformedEntry as error:
            yield Difference(ENTRIES, str(revision), "body", f"cannot be read: {error}")
            return
        told = self._told(members)
        if told != row[:-2]:
            yield from compare(
                ENTRIES,
                revision,
                dict(zip(_OWN_COLUMNS, row, strict=False)),
                dict(zip(_OWN_COLUMNS, told, strict=True)),
                by="its body",
            )
        for contradiction in self.fold.apply(members):
            yield Difference(ENTRIES, str(revision), "body", contradiction)
        yield from self._requests.check(revision, members)

    def _told(self, members: Body) -> tuple[Any, ...]:
        """What the body says the columns are, in their order."""
        get, time = members.get, members["time"]
        if time != self._time:  # entries of one transaction have one time
            self._time, self._microseconds = time, microseconds(time)
        return (
            members["revision"],
            members["type"],
            self._microseconds,
            members["actor"],
            get("project", ""),
            get("model", ""),
            get("stage", ""),
            get("number", 0),
            get("previous_number", 0),
            get("digest", ""),
            get("reason", ""),
        )

    def _nodes(self, subtrees: Subtrees) -> Iterator[Difference]:
        level, first, hashes = subtrees.level, subtrees.position, subtrees.hashes
        rows: Sequence[Any] = self._rows.nodes(level, first, len(hashes))
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
        expected: dict[str, object] = {"id": 1, "size": self.size}
        if self.whole:
            expected |= {"root_hash": self.tree.root, "frontier": b"".join(self.tree.frontier)}
        if not heads:
            yield missing(HEAD, "1", f"there are {self.size} entries")
        for head in heads:
            yield from compare(HEAD, head.id, head._mapping, expected, by="what the entries add up to")
            if type(head.size) is int and head.size > self.size:
                yield _gap(self.size + 1, head.size)


class _Requests:
    """The remembered requests, read alongside the entries that answer them."""

    def __init__(self, rows: LedgerRows) -> None:
        self._rows = rows.requests()
        self._following = next(self._rows, None)

    def check(self, revision: int, members: Body) -> Iterator[Difference]:
        """The requests of one entry: exactly one if it tells of one, else none."""
        bound = members.get("request")
        while (row := self._following) is not None and not _after(row.revision, revision):
            self._following = next(self._rows, None)
            key = f"{row.principal}/{row.request_id}"
            if row.revision != revision or bound is None:
                yield _unknown(key, row.revision)
                continue
            yield from compare(
                REQUESTS,
                key,
                row._mapping,
                {"principal": members["actor"], "time": microseconds(members["time"])},
                by=f"entry {revision}",
            )
            if _digest(row) != bound:
                yield Difference(
                    REQUESTS,
                    key,
                    "request_id, fingerprint, response",
                    f"hash to {_digest(row)}",
                    f"entry {revision} says {bound}",
                )
            bound = None
        if bound is not None:
            yield missing(REQUESTS, f"of revision {revision}", f"entry {revision} says {bound}")

    def rest(self) -> Iterator[Difference]:
        """Requests that are remembered for entries there are not."""
        while (row := self._following) is not None:
            yield _unknown(f"{row.principal}/{row.request_id}", row.revision)
            self._following = next(self._rows, None)


def _after(revision: object, reached: int) -> bool:
    return type(revision) is not int or revision > reached


def _digest(row: Any) -> str:
    if not (type(row.fingerprint) is type(row.response) is bytes and isinstance(row.request_id, str)):
        return "nothing"
    # What is no text was no request's id, whatever stands for it here.
    request_id = row.request_id.encode(errors="replace").decode()
    return request_digest(request_id, row.fingerprint, row.response)


def _unknown(key: str, revision: object) -> Difference:
    return Difference(REQUESTS, key, "revision", f"is {shown(revision)}", "no such entry tells of a request")


def _gap(first: int, last: int) -> Difference:
    return missing(ENTRIES, str(first) if first == last else f"{first} to {last}", "revisions have no gap")
