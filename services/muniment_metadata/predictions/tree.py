"""The Merkle tree of one batch, held in memory: at most a few thousand leaves.

Hashing level by level and carrying a last node without sibling up gives the tree of RFC 6962 section 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence

from muniment_core.domain.merkle import EMPTY_ROOT, node_hash


def batch_root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes, 32 bytes."""
    level = list(leaves)
    while len(level) > 1:
        level = _parents(level)
    return level[0] if level else EMPTY_ROOT


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes from a leaf's sibling up to a child of the root (RFC 9162 section 2.1.3.1)."""
    path, level = [], list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level, index = _parents(level), index >> 1
    return path


def _parents(level: list[bytes]) -> list[bytes]:
    parents = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    return parents + level[-1:] if len(level) % 2 else parents
