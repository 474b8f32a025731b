"""Every entry of a ledger once, in memory that does not grow with it but for the state that it implies."""

from __future__ import annotations

from muniment.ledger.entries import Body, MalformedEntry, read_body
from muniment.ledger.fold import Fold
from muniment.ledger.merkle import leaf_hash
from muniment.ledger.tree import GrowingTree

AT_ONCE = 1_000
"""Leaves that are put into the tree together, which is quicker than one by one."""
MOST_TOLD = 100
"""Differences that are told one by one; a ledger that is wrong throughout is wrong."""


class LedgerReading:
    """Reads entries in order.

    Attributes:
        fold: the state they imply so far.
        size: how many were read.
        differences: what is wrong with them, one sentence each, at most :data:`MOST_TOLD` of them.
    """

    def __init__(self, *, watched: int = 0) -> None:
        """
        Args:
            watched: size at which to keep the root, for :attr:`watched_root`.
        """
        self.fold = Fold()
        self.size = 0
        self.differences: list[str] = []
        self.watched_root: bytes | None = None
        self._watched = watched
        self._tree = GrowingTree()
        self._leaves: list[bytes] = []

    @property
    def root(self) -> bytes:
        """The root over all that was read."""
        self._grow()
        return self._tree.root

    def add(self, body: bytes) -> Body | None:
        """Read the next entry; None if it cannot be read."""
        self.size += 1
        self._leaves.append(leaf_hash(body))
        if len(self._leaves) == AT_ONCE or self.size == self._watched:
            self._grow()
            if self.size == self._watched:
                self.watched_root = self._tree.root
        try:
            members = read_body(body)
        except MalformedEntry as error:
            self.tell(f"entry {self.size} cannot be read: {error}")
            return None
        if members["revision"] != self.size:
            self.tell(f"entry {self.size} says that it is entry {members['revision']}")
            return None
        for contradiction in self.fold.apply(members):
            self.tell(f"entry {self.size} {contradiction}")
        return members

    def tell(self, difference: str) -> None:
        """Note something that is wrong."""
        if len(self.differences) < MOST_TOLD:
            self.differences.append(difference)

    def _grow(self) -> None:
        self._tree.append(self._leaves)
        self._leaves = []
