"""What was signed: each checkpoint against the tree of its size, the keys and recoveries against the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from muniment.ledger import InvalidEvidence
from muniment.ledger.checkpoint import Checkpoint, open_checkpoint
from muniment.ledger.fold import Fold
from muniment.ledger.keys import PublicKey
from muniment_core.db.audit.ledger import LedgerRows
from muniment_core.signing.anchor import Anchored

from muniment_server.fsck.difference import Difference, compare, microseconds, missing, shown, surplus

CHECKPOINTS, KEYS, RECOVERIES, ANCHOR = "ledger_checkpoints", "ledger_keys", "ledger_recoveries", "anchor"


class SignaturesCheck:
    """The signed heads, read alongside the tree as it grows.

    Attributes:
        next_size: the next size at which the root is wanted; None when there is none any more.
    """

    def __init__(self, rows: LedgerRows, anchored: Anchored | None) -> None:
        """
        Args:
            rows: the tables.
            anchored: what the anchor held before the tables were read.
        """
        self._tables = rows
        self._rows = rows.checkpoints()
        self._anchor = None if anchored is None else anchored.checkpoint
        self._anchored = anchored
        self._given_up: list[tuple[Any, Checkpoint]] = []
        self._following: Any = next(self._rows, None)

    def close(self) -> None:
        """Read no further."""
        self._rows.close()

    @property
    def next_size(self) -> int | None:
        """See the class."""
        sizes = [self._anchor.size] if self._anchor else []
        if self._following is not None and type(self._following.size) is int:
            sizes.append(self._following.size)
        return min(sizes, default=None)

    def at(self, size: int, root: bytes, fold: Fold) -> Iterator[Difference]:
        """Compare what was signed of a size, which the tree has reached."""
        keys = {revision: PublicKey.parse(state.key) for revision, state in fold.log_keys.items()}
        while self._following is not None and self._following.size <= size:
            row, self._following = self._following, next(self._rows, None)
            if row.size == size:
                yield from self._checkpoint(row, root, keys)
            else:
                yield Difference(
                    CHECKPOINTS, str(row.size), "size", f"is {row.size}", "no head has that size"
                )
        if self._anchor is not None and self._anchor.size <= size:
            anchor, self._anchor = self._anchor, None
            yield from self._anchor_against(anchor, root, keys)

    def rest(self, size: int, fold: Fold) -> Iterator[Difference]:
        """What is left when the ledger is at its end, which has so many entries."""
        while (row := self._following) is not None:
            self._following = next(self._rows, None)
            if type(row.size) is int and row.size > size and self._before_recovery(row, fold):
                continue
            yield Difference(
                CHECKPOINTS, shown(row.size), "size", f"is {shown(row.size)}", f"there are {size} entries"
            )
        # What was signed before a recovery may be of the ledger that was given up then.
        for row, checkpoint in self._given_up:
            if not self._before_recovery(row, fold):
                says = f"the entries have {row.root_hash.hex()}"
                yield Difference(
                    CHECKPOINTS, str(row.size), "note", f"has root {checkpoint.root.hex()}", says
                )
        yield from self._anchor_left(size, fold)
        yield from _keys(self._tables, fold)
        yield from _recoveries(self._tables, fold)

    def _checkpoint(self, row: Any, root: bytes, keys: dict[int, PublicKey]) -> Iterator[Difference]:
        key = keys.get(row.key_revision)
        if key is None:
            says = f"the ledger has keys of {sorted(keys)}"
            yield Difference(
                CHECKPOINTS, str(row.size), "key_revision", f"is {shown(row.key_revision)}", says
            )
            return
        try:
            checkpoint = open_checkpoint(bytes(row.note), [key], origin=key.name)
        except (InvalidEvidence, TypeError) as error:
            yield Difference(CHECKPOINTS, str(row.size), "note", f"proves nothing: {error}")
            return
        told = {"size": checkpoint.size, "root_hash": checkpoint.root}
        yield from compare(CHECKPOINTS, row.size, row._mapping, told, by="its signed note")
        if checkpoint.size == row.size and checkpoint.root != root:
            self._given_up.append((_Row(row, root), checkpoint))

    def _anchor_against(
        self, anchor: Checkpoint, root: bytes, keys: dict[int, PublicKey]
    ) -> Iterator[Difference]:
        assert self._anchored is not None
        try:
            open_checkpoint(self._anchored.note, keys.values(), origin=anchor.origin)
        except InvalidEvidence as error:
            yield Difference(ANCHOR, "", "", f"proves nothing: {error}")
            return
        if anchor.root != root:
            says = f"its first {anchor.size} entries have {root.hex()}"
            yield Difference(ANCHOR, "", "", f"says that the ledger has root {anchor.root.hex()}", says)

    def _anchor_left(self, size: int, fold: Fold) -> Iterator[Difference]:
        if self._anchor is None or self._anchored is None:
            return
        # An operator who went on with a shorter ledger did so knowing the anchor.
        if self._anchored.recoveries >= len(fold.recoveries):
            found = f"says that the ledger had {self._anchor.size} entries"
            yield Difference(ANCHOR, "", "", found, f"it has {size}")

    @staticmethod
    def _before_recovery(row: Any, fold: Fold) -> bool:
        return any(
            recovery.kept_size < row.size and row.time <= (microseconds(recovery.time) or 0)
            for recovery in fold.recoveries.values()
        )


class _Row:
    """A checkpoint's row with the root the entries have at its size."""

    def __init__(self, row: Any, root: bytes) -> None:
        self.size, self.time, self.root_hash = row.size, row.time, root


def _keys(rows: LedgerRows, fold: Fold) -> Iterator[Difference]:
    expected = dict(fold.log_keys)
    for row in rows.log_keys():
        state = expected.pop(row.revision, None)
        if state is None:
            yield surplus(KEYS, row.revision)
            continue
        key = PublicKey.parse(state.key)
        told = {"origin": key.name, "public_key": key.key, "create_time": microseconds(state.create_time)}
        yield from compare(KEYS, row.revision, row._mapping, told)
    yield from (missing(KEYS, revision) for revision in expected)


def _recoveries(rows: LedgerRows, fold: Fold) -> Iterator[Difference]:
    expected = dict(fold.recoveries)
    for row in rows.recoveries():
        state = expected.pop(row.revision, None)
        if state is None:
            yield surplus(RECOVERIES, row.revision)
            continue
        told = {
            "kept_size": state.kept_size,
            "anchor_size": state.anchor_size,
            "anchor_root": bytes.fromhex(state.anchor_root),
            "reason": state.reason,
            "time": microseconds(state.time),
        }
        yield from compare(RECOVERIES, row.revision, row._mapping, told)
    yield from (missing(RECOVERIES, revision) for revision in expected)
