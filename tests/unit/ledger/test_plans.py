"""Which stored hashes a proof is made of: those of the recursive definitions, and few of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from muniment.ledger.merkle import leaf_hash, verify_consistency, verify_inclusion
from muniment_core.domain.merkle import Frontier
from muniment_core.domain.proofs import (
    DamagedTree,
    Place,
    Plan,
    frontier_places,
    order_of_arising,
    plan_consistency,
    plan_inclusion,
)

SIZE = 70
LEAVES = [leaf_hash(index.to_bytes(2, "big")) for index in range(SIZE)]
Prove = Callable[[int, list[bytes]], list[bytes]]


def stored_hashes() -> dict[Place, bytes]:
    """What the ledger keeps: the complete subtrees that arose while it grew, and the leaves."""
    _, nodes = Frontier().append(LEAVES)
    stored = {Place(node.level, node.position): node.hash for node in nodes}
    return stored | {Place(0, index): leaf for index, leaf in enumerate(LEAVES)}


STORED = stored_hashes()


def test_every_inclusion_proof_is_that_of_the_definition(prove_inclusion: Prove) -> None:
    for size in range(1, SIZE + 1):
        for index in range(size):
            assert plan_inclusion(index, size).proof(STORED) == prove_inclusion(index, LEAVES[:size])


def test_every_consistency_proof_is_that_of_the_definition(prove_consistency: Prove) -> None:
    for size in range(1, SIZE + 1):
        for old in range(1, size + 1):
            assert plan_consistency(old, size).proof(STORED) == prove_consistency(old, LEAVES[:size])


def test_the_frontier_of_any_size_is_the_one_that_grew() -> None:
    for size in range(SIZE + 1):
        expected, _ = Frontier().append(LEAVES[:size])
        assert tuple(STORED[place] for place in frontier_places(size)) == expected.hashes


def test_subtrees_are_counted_in_the_order_in_which_the_tree_grows() -> None:
    _, nodes = Frontier().append([leaf_hash(b"")] * 1_000)
    arisen = [order_of_arising(Place(node.level, node.position)) for node in nodes]
    assert arisen == list(range(1, len(nodes) + 1))


@pytest.mark.parametrize("size", [10**3 + 1, 10**6 - 1, 2**40 + 2**20 + 1])
def test_a_proof_needs_about_two_hashes_per_level(size: int) -> None:
    levels = size.bit_length()
    for index in (0, 1, size // 3, size // 2, size - 2, size - 1):
        assert len(plan_inclusion(index, size).places) <= 2 * levels
        assert len(plan_consistency(index + 1, size).places) <= 2 * levels


def test_a_hash_that_is_not_stored_is_named() -> None:
    plan = plan_inclusion(5, 9)
    assert isinstance(plan, Plan)
    for place in plan.places:
        with pytest.raises(DamagedTree, match=f"level={place.level}, position={place.position}"):
            plan.proof({key: value for key, value in STORED.items() if key != place})


def test_proofs_of_a_huge_tree_have_the_right_shape() -> None:
    """Beyond what can be stored here: only complete subtrees, each made up to be its own leaf."""
    size = 2**20 + 2**5 + 3
    fake = {place: leaf_hash(repr(place).encode()) for place in plan_inclusion(7, size).places}
    with pytest.raises(ValueError, match="leads to root"):
        verify_inclusion(LEAVES[0], 7, size, plan_inclusion(7, size).proof(fake), LEAVES[1])
    plan = plan_consistency(2**20 + 1, size)
    fake = {place: leaf_hash(repr(place).encode()) for place in plan.places}
    with pytest.raises(ValueError, match="leads to root"):
        verify_consistency(2**20 + 1, size, LEAVES[0], LEAVES[1], plan.proof(fake))
