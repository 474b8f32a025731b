"""The tree of a whole log, grown in batches, against the definition word for word."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st
from muniment.ledger.tree import GrowingTree, expected_subtrees


def root_of(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root_of(leaves[:split]) + root_of(leaves[split:])).digest()


@given(st.lists(st.integers(0, 40), max_size=8))
def test_in_whatever_batches_it_grows_the_root_and_every_complete_subtree_are_those_of_the_definition(
    batches: list[int],
) -> None:
    tree, leaves, subtrees = GrowingTree(), [], {}
    for size in batches:
        new = [hashlib.sha256(bytes([0, *number.to_bytes(4, "big")])).digest() for number in range(size)]
        leaves += new
        for arisen in tree.append(new):
            for offset, found in enumerate(arisen.hashes):
                assert subtrees.setdefault((arisen.level, arisen.position + offset), found) is found
        assert tree.root == root_of(leaves)
        assert len(tree.frontier) == tree.size.bit_count()
    expected = {
        (level, position): root_of(leaves[position << level : position + 1 << level])
        for level in range(1, len(leaves).bit_length())
        for position in range(len(leaves) >> level)
    }
    assert subtrees == expected
    assert sum(expected_subtrees(len(leaves))) == len(expected)
