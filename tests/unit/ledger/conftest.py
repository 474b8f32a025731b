"""A small log with known keys, and the tree of RFC 6962 written down as it stands."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from muniment.ledger.keys import SigningKey

Prove = Callable[[int, list[bytes]], list[bytes]]


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1 over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def naive_inclusion(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < split:
        return [*naive_inclusion(index, leaves[:split]), naive_root(leaves[split:])]
    return [*naive_inclusion(index - split, leaves[split:]), naive_root(leaves[:split])]


def naive_consistency(old: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """PROOF and SUBPROOF of RFC 6962 section 2.1.2."""
    if old == len(leaves):
        return [] if whole else [naive_root(leaves)]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if old <= split:
        return [*naive_consistency(old, leaves[:split], whole=whole), naive_root(leaves[split:])]
    return [*naive_consistency(old - split, leaves[split:], whole=False), naive_root(leaves[:split])]


@pytest.fixture(scope="session")
def root_of() -> Callable[[list[bytes]], bytes]:
    """The root over leaf hashes."""
    return naive_root


@pytest.fixture(scope="session")
def prove_inclusion() -> Prove:
    """The inclusion proof of the leaf at an index."""
    return naive_inclusion


@pytest.fixture(scope="session")
def prove_consistency() -> Prove:
    """The consistency proof from an older size."""
    return lambda old, leaves: naive_consistency(old, leaves)


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    """The key of the log `example.com/log`."""
    return SigningKey.from_seed("example.com/log", b"\x07" * 32)
