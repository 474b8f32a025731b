"""Which stored hashes a proof is made of.

A tree keeps the hash of every complete subtree, and a leaf is one too. Each hash of a proof is the root of a
run of leaves; it is complete, or at the right edge of the tree and then folded from a few complete ones. So a
proof over n leaves needs about ``2 * log2(n)`` stored hashes, which are told beforehand and read at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import NamedTuple

from muniment.ledger.merkle import node_hash


class Place(NamedTuple):
    """A complete subtree: of ``2**level`` leaves from leaf ``position * 2**level`` on. Level 0 is a leaf."""

    level: int
    position: int


def order_of_arising(place: Place) -> int:
    """The number of a subtree of two leaves or more among all such, in the order in which they arise; from 1."""
    level, position = place
    # A tree of n leaves has n of them, less one for each complete subtree at its edge. Here n is without the
    # last leaf, which then makes this subtree's levels arise one after the other.
    before = (position + 1 << level) - 1
    return before - before.bit_count() + level


class DamagedTree(RuntimeError):
    """A stored hash that a proof needs is missing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a proof is put together.

    Attributes:
        runs: for each hash of the proof the complete subtrees of its run, from the left.
    """

    runs: tuple[tuple[Place, ...], ...]

    @property
    def places(self) -> frozenset[Place]:
        """What must be read."""
        return frozenset(chain.from_iterable(self.runs))

    def proof(self, stored: Mapping[Place, bytes]) -> list[bytes]:
        """The hashes of the proof.

        Raises:
            DamagedTree: if one that is needed was not read.
        """
        try:
            return [
                stored[run[0]] if len(run) == 1 else _fold([stored[place] for place in run])
                for run in self.runs
            ]
        except KeyError as error:
            raise DamagedTree(f"the ledger's tree lacks {error.args[0]}") from None


def frontier_places(size: int) -> tuple[Place, ...]:
    """The complete subtrees a tree is made of, largest first."""
    return _cover(0, size)


def plan_inclusion(index: int, size: int) -> Plan:
    """The proof that a leaf is in a tree: PATH of RFC 6962 section 2.1.1, for ``0 <= index < size``."""
    runs: list[tuple[Place, ...]] = []
    level, node, last = 0, index, size - 1
    while last:
        if node & 1:
            runs.append((Place(level, node - 1),))
        elif node < last:
            # Everything to the right within the parent; only the last subtree of a level may be incomplete.
            start, end = node + 1 << level, node + 2 << level
            runs.append((Place(level, node + 1),) if end <= size else _cover(start, size))
        level, node, last = level + 1, node >> 1, last >> 1
    return Plan(tuple(runs))


def plan_consistency(old: int, new: int) -> Plan:
    """The proof that a tree begins with an older one: PROOF of RFC 6962 section 2.1.2, for ``0 < old <= new``."""
    start, end, runs = 0, new, []
    while end != old:
        middle = start + _left_size(end - start)
        if old <= middle:
            runs.append(_cover(middle, end))
            end = middle
        else:
            runs.append(_cover(start, middle))
            start = middle
    # What is left is a subtree of both; the verifier knows it only when it is the whole older tree.
    if start:
        runs.append(_cover(start, end))
    return Plan(tuple(reversed(runs)))


def _left_size(leaves: int) -> int:
    """How many of two or more leaves are in the left subtree: the greatest power of two less than all."""
    return 1 << ((leaves - 1).bit_length() - 1)


def _cover(start: int, end: int) -> tuple[Place, ...]:
    """The complete subtrees that a run of leaves is made of, from the left."""
    places = []
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        places.append(Place(level, start >> level))
        start += 1 << level
    return tuple(places)


def _fold(hashes: list[bytes]) -> bytes:
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes))
