"""The Merkle tree of the ledger as it grows: what appending needs to know, and the subtrees that arise.

Hashes and proofs are in :mod:`muniment.ledger.merkle`, which clients share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from muniment.ledger.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash, node_hash

__all__ = ["EMPTY_ROOT", "HASH_BYTES", "Frontier", "Node", "leaf_hash", "node_hash"]


@dataclass(frozen=True, slots=True)
class Node:
    """The root of a complete subtree: of ``2**level`` leaves from leaf ``position * 2**level`` on."""

    level: int
    position: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Frontier:
    """The complete subtrees a tree is made of, largest first: all that appending needs to know.

    Attributes:
        size: number of leaves.
        hashes: one hash for each bit set in ``size``, from the highest bit down.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    @classmethod
    def from_bytes(cls, size: int, packed: bytes) -> Frontier:
        """Read what :meth:`to_bytes` wrote.

        Raises:
            ValueError: if the number of hashes does not fit the size.
        """
        hashes = tuple(packed[start : start + HASH_BYTES] for start in range(0, len(packed), HASH_BYTES))
        if len(hashes) != size.bit_count() or len(packed) != HASH_BYTES * len(hashes):
            raise ValueError(
                f"a frontier of {size} leaves has {size.bit_count()} hashes, while {len(packed)} bytes were given"
            )
        return cls(size, hashes)

    def to_bytes(self) -> bytes:
        """The hashes, one after the other."""
        return b"".join(self.hashes)

    @property
    def root(self) -> bytes:
        """The root of the tree, 32 bytes."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = node_hash(left, root)
        return root

    def append(self, leaves: Sequence[bytes]) -> tuple[Frontier, list[Node]]:
        """Append leaf hashes.

        Returns:
            The frontier after, and every complete subtree of two leaves or more that arose.
        """
        size, hashes, nodes = self.size, list(self.hashes), []
        for leaf in leaves:
            hashes.append(leaf)
            level, position = 0, size
            while position & 1:
                right, left = hashes.pop(), hashes.pop()
                level, position = level + 1, position >> 1
                hashes.append(node_hash(left, right))
                nodes.append(Node(level, position, hashes[-1]))
            size += 1
        return Frontier(size, tuple(hashes)), nodes
