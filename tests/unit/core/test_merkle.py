"""The ledger's tree against RFC 6962 written down as it stands, and against its published vectors."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from muniment_core.domain.merkle import EMPTY_ROOT, Frontier, leaf_hash


def naive_root(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1 over leaf hashes."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << ((len(hashes) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + naive_root(hashes[:k]) + naive_root(hashes[k:])).digest()


LEAVES = [leaf_hash(index.to_bytes(2, "big")) for index in range(300)]

# Inputs and roots of the reference tests of Certificate Transparency (merkletree `TestRootHash`).
VECTOR_LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
VECTOR_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_roots_are_those_of_the_published_vectors() -> None:
    frontier = Frontier()
    assert frontier.root == EMPTY_ROOT == bytes.fromhex(hashlib.sha256(b"").hexdigest())
    for leaf, root in zip(VECTOR_LEAVES, VECTOR_ROOTS, strict=True):
        frontier, _ = frontier.append([leaf_hash(bytes.fromhex(leaf))])
        assert frontier.root.hex() == root


@pytest.mark.parametrize("size", [*range(18), 31, 32, 33, 255, 256, 257])
def test_the_root_of_any_size_is_the_naive_one(size: int) -> None:
    assert Frontier().append(LEAVES[:size])[0].root == naive_root(LEAVES[:size])


@given(st.lists(st.integers(0, 40), max_size=8))
def test_it_makes_no_difference_in_which_batches_leaves_come(sizes: list[int]) -> None:
    frontier, nodes, at = Frontier(), [], 0
    for size in sizes:
        frontier, made = frontier.append(LEAVES[at : at + size])
        frontier = Frontier.from_bytes(frontier.size, frontier.to_bytes())
        nodes, at = nodes + made, at + len(LEAVES[at : at + size])
    assert (frontier, nodes) == Frontier().append(LEAVES[:at])
    assert frontier.root == naive_root(LEAVES[:at])


def test_every_complete_subtree_is_told_once_with_its_root() -> None:
    _, nodes = Frontier().append(LEAVES[:100])
    told = {(node.level, node.position): node.hash for node in nodes}
    assert len(told) == len(nodes)
    expected = {
        (level, position): naive_root(LEAVES[position << level : (position + 1) << level])
        for level in range(1, 7)
        for position in range(100 >> level)
    }
    assert told == expected


@pytest.mark.parametrize(
    ("size", "packed"), [(1, b""), (0, b"x" * 32), (3, b"x" * 32), (2, b"x" * 31), (1, b"x" * 33)]
)
def test_a_frontier_that_does_not_fit_its_size_is_refused(size: int, packed: bytes) -> None:
    with pytest.raises(ValueError, match=f"a frontier of {size} leaves"):
        Frontier.from_bytes(size, packed)
