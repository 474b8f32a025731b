"""Use cases on proofs: what the ledger holds, shown so that nobody has to believe the server."""

from __future__ import annotations

import json
from dataclasses import dataclass

from muniment.ledger import InvalidEvidence
from muniment.ledger.merkle import root_of_inclusion, verify_consistency
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.errors import CheckpointPending, EntryNotFound, InvalidField, TreeDamaged
from muniment_core.domain.merkle import Frontier
from muniment_core.domain.proofs import (
    DamagedTree,
    frontier_places,
    plan_consistency,
    plan_inclusion,
)
from muniment_core.domain.signing import KEY_ROTATED, LogKey, SignedCheckpoint


@dataclass(frozen=True, slots=True)
class ProvedEntry:
    """That an entry is in the tree of a size.

    Attributes:
        checkpoint: the signed head of that size, if there is one.
    """

    index: int
    size: int
    leaf: bytes
    hashes: list[bytes]
    root: bytes
    checkpoint: SignedCheckpoint | None


@dataclass(frozen=True, slots=True)
class ProvedHistory:
    """That a tree begins with an earlier one."""

    from_size: int
    to_size: int
    hashes: list[bytes]
    from_root: bytes
    to_root: bytes


def checkpoint(reader: Reader, project: str | None, *, min_size: int) -> SignedCheckpoint:
    """The newest signed checkpoint.

    Raises:
        ProjectNotFound: if the project does not exist.
        InvalidField: if the ledger does not have ``min_size`` entries.
        CheckpointPending: if they are not signed yet.
    """
    _require(reader, project)
    if min_size > (size := reader.ledger.size()):
        raise InvalidField("min_size", f"is {min_size}, while the ledger has {size} entries")
    return _covering(reader.checkpoints.latest(), max(min_size, 1))


def prove_inclusion(reader: Reader, project: str | None, revision: int, *, tree_size: int) -> ProvedEntry:
    """Prove that an entry is in the tree of a size (0: of the newest checkpoint).

    Raises:
        EntryNotFound: if the project has no such entry.
        InvalidField: if the ledger never had that size with the entry in it.
        CheckpointPending: if no signed checkpoint covers the entry yet.
        TreeDamaged: if the stored tree does not lead to its root.
    """
    _require(reader, project)
    found = reader.tree.standing(revision, tree_size)
    if found.project is None or (project is not None and found.project != project):
        raise EntryNotFound(revision, found.length)
    if tree_size:
        if not revision <= tree_size <= found.length:
            raise InvalidField(
                "tree_size", f"is {tree_size}, while {revision} to {found.length} trees have entry {revision}"
            )
    else:
        tree_size = _covering(found.signed, revision).size
    plan = plan_inclusion(revision - 1, tree_size)
    stored = reader.tree.hashes_for_proof(plan.places)
    try:
        hashes = plan.proof(stored)
    except DamagedTree:
        raise TreeDamaged(tree_size) from None
    root = root_of_inclusion(found.leaf, revision - 1, tree_size, hashes)
    if found.signed is not None:
        if found.signed.root != root:
            raise TreeDamaged(tree_size)
        reader.tree.keep(stored)
    return ProvedEntry(revision - 1, tree_size, found.leaf, hashes, root, found.signed)


def prove_consistency(reader: Reader, project: str | None, from_size: int, to_size: int) -> ProvedHistory:
    """Prove that a tree (0: of the newest checkpoint) begins with an earlier one.

    Raises:
        ProjectNotFound: if the project does not exist.
        InvalidField: if the ledger never had those sizes.
        CheckpointPending: if no signed checkpoint is that long yet.
        TreeDamaged: if the stored tree does not lead to its roots.
    """
    _require(reader, project)
    found = reader.tree.standing(from_size, to_size)
    if from_size > found.length:
        raise InvalidField("from_size", f"is {from_size}, while the ledger has {found.length} entries")
    to_size = to_size or _covering(found.signed, from_size).size
    if not from_size <= to_size <= found.length:
        raise InvalidField(
            "to_size", f"is {to_size}, while {from_size} to {found.length} can be proved from {from_size}"
        )
    plan = plan_consistency(from_size, to_size)
    edges = {size: frontier_places(size) for size in (from_size, to_size)}
    stored = reader.tree.hashes(plan.places.union(*edges.values()))
    try:
        hashes = plan.proof(stored)
        roots = {size: _root(size, [stored[place] for place in places]) for size, places in edges.items()}
        verify_consistency(from_size, to_size, roots[from_size], roots[to_size], hashes)
    except (DamagedTree, KeyError, InvalidEvidence):
        raise TreeDamaged(to_size) from None
    if found.signed is not None and found.signed.root != roots[to_size]:
        raise TreeDamaged(to_size)
    return ProvedHistory(from_size, to_size, hashes, roots[from_size], roots[to_size])


def log_keys(reader: Reader, project: str | None) -> list[tuple[LogKey, bytes]]:
    """All keys of the log, oldest first, each with the statement by which the one before named it.

    Raises:
        ProjectNotFound: if the project does not exist.
    """
    _require(reader, project)
    return [(key, _statement(reader, key)) for key in reader.checkpoints.log_keys()]


def _statement(reader: Reader, key: LogKey) -> bytes:
    entry = reader.ledger.entry(key.revision)
    if entry is None or entry.draft.type != KEY_ROTATED:
        return b""
    return str(json.loads(entry.body)["data"]["statement"]).encode()


def _covering(latest: SignedCheckpoint | None, size: int) -> SignedCheckpoint:
    if latest is None or latest.size < size:
        raise CheckpointPending(size, 0 if latest is None else latest.size)
    return latest


def _root(size: int, hashes: list[bytes]) -> bytes:
    return Frontier(size, tuple(hashes)).root


def _require(reader: Reader, project: str | None) -> None:
    """An instance-wide caller passes every check of permission, also for a project that does not exist."""
    if project is not None:
        reader.projects.id_of(project)
