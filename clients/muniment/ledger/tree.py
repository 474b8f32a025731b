"""Growing the tree of a log from its leaves, many at a time, in memory that does not grow with it.

Hashing and shape are those of RFC 6962, section 2.1. Whoever verifies a whole log hashes twice per entry and wants
to compare every stored subtree; so the new subtrees come level by level, as lists, not one by one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from muniment.ledger.merkle import EMPTY_ROOT, node_hash

_sha256 = hashlib.sha256


@dataclass(frozen=True, slots=True)
class Subtrees:
    """New complete subtrees of one level: of ``2**level`` leaves each, from ``position * 2**level`` on."""

    level: int
    position: int
    hashes: Sequence[bytes]


class GrowingTree:
    """A tree of which only the complete subtrees at its right edge are kept.

    Attributes:
        size: number of leaves.
    """

    def __init__(self) -> None:
        self.size = 0
        self._edge: list[bytes | None] = []

    def append(self, leaves: Sequence[bytes]) -> list[Subtrees]:
        """Append leaf hashes.

        Returns:
            The complete subtrees of two leaves or more that arose, lowest level first.
        """
        arisen: list[Subtrees] = []
        level, position, hashes = 0, self.size, list(leaves)
        self.size += len(hashes)
        while hashes:
            if level == len(self._edge):
                self._edge.append(None)
            left = self._edge[level]
            if left is not None:
                hashes.insert(0, left)
                position -= 1
            self._edge[level] = hashes.pop() if len(hashes) % 2 else None
            pairs = iter(hashes)
            hashes = [
                _sha256(b"\x01" + one + other).digest() for one, other in zip(pairs, pairs, strict=True)
            ]
            level, position = level + 1, position >> 1
            if hashes:
                arisen.append(Subtrees(level, position, list(hashes)))
        return arisen

    @property
    def frontier(self) -> tuple[bytes, ...]:
        """The complete subtrees the tree is made of, largest first."""
        return tuple(hash for hash in reversed(self._edge) if hash is not None)

    @property
    def root(self) -> bytes:
        """The root of the tree, 32 bytes."""
        edge = self.frontier
        if not edge:
            return EMPTY_ROOT
        root = edge[-1]
        for left in reversed(edge[:-1]):
            root = node_hash(left, root)
        return root


def expected_subtrees(size: int) -> list[int]:
    """How many complete subtrees of each level from 1 on a tree of ``size`` leaves has."""
    return [size >> level for level in range(1, size.bit_length())]
