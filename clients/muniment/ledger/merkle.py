"""The Merkle tree of the ledger: hashes, and what proofs about it prove.

Hashing and tree shape are those of RFC 6962 section 2.1 (unchanged in RFC 9162 section 2.1): a leaf is
``SHA-256(0x00 || bytes)``, an inner node ``SHA-256(0x01 || left || right)``, and the left subtree of any tree
is the largest complete one. Verification follows RFC 9162 sections 2.1.3.2 and 2.1.4.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from muniment.ledger.evidence import InvalidEvidence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


class InvalidProof(InvalidEvidence):
    """A Merkle proof does not prove what it should."""


def leaf_hash(body: bytes) -> bytes:
    """The hash of an entry's bytes, 32 bytes."""
    return hashlib.sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node from those of its children, 32 bytes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root of the tree in which a leaf hash stands at an index, as an inclusion proof says.

    Args:
        leaf: leaf hash, 32 bytes.
        index: place of the leaf, from 0.
        size: number of leaves of the tree.
        proof: hashes from the leaf's sibling up to a child of the root.

    Raises:
        InvalidProof: if no proof for that place has this form.
    """
    if not 0 <= index < size:
        raise InvalidProof(f"index {index} is not in a tree of {size} leaves")
    _check_hashes(leaf, *proof)
    node, last, root = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise InvalidProof(
                f"inclusion proof has {len(proof)} hashes, more than a tree of {size} leaves needs"
            )
        if node & 1 or node == last:
            root = node_hash(step, root)
            # A last node without sibling is carried up unchanged to the level where it has one.
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            root = node_hash(root, step)
        node, last = node >> 1, last >> 1
    if last:
        raise InvalidProof(
            f"inclusion proof has {len(proof)} hashes, fewer than a tree of {size} leaves needs"
        )
    return root


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf hash stands at an index of the tree that has a root.

    Raises:
        InvalidProof: if the proof does not prove it.
    """
    _check_hashes(root)
    proved = root_of_inclusion(leaf, index, size, proof)
    if proved != root:
        raise InvalidProof(
            f"inclusion proof of leaf {index} leads to root {proved.hex()}, while the tree has {root.hex()}"
        )


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that a tree begins with all of an older one.

    Of equal sizes it checks that the roots are, with an empty proof. From the empty tree there is nothing to
    prove: every tree begins with it.

    Raises:
        InvalidProof: if the proof does not prove it.
    """
    _check_hashes(old_root, new_root, *proof)
    if not 0 <= old_size <= new_size:
        raise InvalidProof(f"a tree of {new_size} leaves cannot begin with one of {old_size}")
    for size, root in ((old_size, old_root), (new_size, new_root)):
        if size == 0 and root != EMPTY_ROOT:
            raise InvalidProof(f"root {root.hex()} is not that of the empty tree")
    if old_size == new_size:
        if proof:
            raise InvalidProof(
                f"consistency proof of equal trees has {len(proof)} hashes, while 0 are needed"
            )
        if old_root != new_root:
            raise InvalidProof(
                f"two trees of {old_size} leaves have different roots, {old_root.hex()} and {new_root.hex()}"
            )
        return
    if old_size == 0:
        raise InvalidProof("a consistency proof from the empty tree proves nothing")
    proved_old, proved_new = _roots_of_consistency(old_size, new_size, old_root, proof)
    for proved, root, which in ((proved_old, old_root, "older"), (proved_new, new_root, "newer")):
        if proved != root:
            raise InvalidProof(
                f"consistency proof from {old_size} to {new_size} leads to root {proved.hex()}, "
                f"while the {which} tree has {root.hex()}"
            )


def _roots_of_consistency(
    old_size: int, new_size: int, old_root: bytes, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """Both roots as the proof says."""
    # An older tree that is complete is a node of the newer one, so that the proof leaves its root out.
    steps = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not steps or not proof:
        raise InvalidProof(f"consistency proof from {old_size} to {new_size} is empty")
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise InvalidProof(f"consistency proof from {old_size} to {new_size} has too many hashes")
        if node & 1 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, step)
        node, last = node >> 1, last >> 1
    if last:
        raise InvalidProof(f"consistency proof from {old_size} to {new_size} has too few hashes")
    return old, new


def _check_hashes(*hashes: bytes) -> None:
    for one in hashes:
        if len(one) != HASH_BYTES:
            raise InvalidProof(f"a hash has {len(one)} bytes, while {HASH_BYTES} are needed")
