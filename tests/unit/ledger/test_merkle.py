"""Proofs made by the recursive definitions of RFC 6962 hold, and nothing near them does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from muniment.ledger.merkle import (
    EMPTY_ROOT,
    InvalidProof,
    leaf_hash,
    root_of_inclusion,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(index.to_bytes(2, "big")) for index in range(70)]
Prove = Callable[[int, list[bytes]], list[bytes]]
RootOf = Callable[[list[bytes]], bytes]


def test_every_leaf_of_every_small_tree_is_proved_at_its_place_alone(
    prove_inclusion: Prove, root_of: RootOf
) -> None:
    for size in range(1, 40):
        leaves, root = LEAVES[:size], root_of(LEAVES[:size])
        for index in range(size):
            proof = prove_inclusion(index, leaves)
            assert root_of_inclusion(leaves[index], index, size, proof) == root
            for other in range(size):
                if other != index:
                    with pytest.raises(InvalidProof):
                        verify_inclusion(leaves[index], other, size, proof, root)


def test_every_older_tree_is_proved_to_be_the_beginning(prove_consistency: Prove, root_of: RootOf) -> None:
    for size in range(1, 70):
        for old in range(1, size + 1):
            proof = prove_consistency(old, LEAVES[:size])
            verify_consistency(old, size, root_of(LEAVES[:old]), root_of(LEAVES[:size]), proof)


@given(st.integers(2, 69), st.data())
def test_a_tree_that_changed_an_old_leaf_is_not_consistent(
    prove_consistency: Prove, root_of: RootOf, size: int, data: st.DataObject
) -> None:
    old = data.draw(st.integers(1, size - 1))
    changed = data.draw(st.integers(0, old - 1))
    rewritten = [*LEAVES[:changed], leaf_hash(b"rewritten"), *LEAVES[changed + 1 : size]]
    proof = prove_consistency(old, rewritten)
    with pytest.raises(InvalidProof, match="leads to root"):
        verify_consistency(old, size, root_of(LEAVES[:old]), root_of(rewritten), proof)


def test_a_refusal_tells_what_is_wrong(prove_inclusion: Prove, root_of: RootOf) -> None:
    root = root_of(LEAVES[:5])
    proof = prove_inclusion(2, LEAVES[:5])
    for expected, arguments in {
        "index 5 is not in a tree of 5 leaves": (LEAVES[2], 5, 5, proof, root),
        "index -1 is not in a tree of 5 leaves": (LEAVES[2], -1, 5, proof, root),
        "3 hashes, more than a tree of 4": (LEAVES[2], 2, 4, proof, root),
        "2 hashes, fewer than a tree of 5": (LEAVES[2], 2, 5, proof[:2], root),
        "leads to root": (LEAVES[1], 2, 5, proof, root),
        "a hash has 3 bytes": (LEAVES[2], 2, 5, [b"abc", *proof[1:]], root),
    }.items():
        with pytest.raises(InvalidProof, match=expected):
            verify_inclusion(*arguments)


def test_from_the_empty_tree_nothing_can_be_proved(root_of: RootOf) -> None:
    verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    with pytest.raises(InvalidProof, match="proves nothing"):
        verify_consistency(0, 3, EMPTY_ROOT, root_of(LEAVES[:3]), [])
    with pytest.raises(InvalidProof, match="is not that of the empty tree"):
        verify_consistency(0, 0, LEAVES[0], LEAVES[0], [])
    with pytest.raises(InvalidProof, match="cannot begin with"):
        verify_consistency(3, 2, LEAVES[0], LEAVES[0], [])
