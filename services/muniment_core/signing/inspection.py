"""Whether the ledger is what was signed: read from storage and hashed, nothing that is stored is believed.

Whoever finds that it is not raises :class:`LedgerDamaged`, whose text is for the operator.
"""

from __future__ import annotations

from collections.abc import Iterable

from muniment.ledger import InvalidEvidence
from muniment.ledger.checkpoint import Checkpoint, open_checkpoint
from muniment.ledger.keys import PublicKey
from muniment.ledger.merkle import leaf_hash, verify_consistency

from muniment_core.db.ledger_store import StoredHead
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.merkle import Frontier
from muniment_core.domain.proofs import DamagedTree, frontier_places, plan_consistency
from muniment_core.domain.signing import SignedCheckpoint


class LedgerDamaged(RuntimeError):
    """The ledger is not what was signed; the text says how that shows."""


def signed_head(stored: SignedCheckpoint, keys: Iterable[PublicKey]) -> Checkpoint:
    """What a stored checkpoint says, verified.

    Raises:
        LedgerDamaged: if it is not signed, or its row says something else.
    """
    checkpoint = verified_note(stored.note, keys, "the newest checkpoint")
    if (checkpoint.size, checkpoint.root) != (stored.size, stored.root):
        raise LedgerDamaged(f"the row of checkpoint {stored.size} differs from its signed note")
    return checkpoint


def verified_note(note: bytes, keys: Iterable[PublicKey], what: str) -> Checkpoint:
    """A checkpoint that one of the log's keys signed.

    Raises:
        LedgerDamaged: if none did.
    """
    try:
        return open_checkpoint(note, keys)
    except InvalidEvidence as error:
        raise LedgerDamaged(f"{what} is not one of this ledger: {error}") from error


def frontier_at(reader: Reader, size: int) -> Frontier:
    """The frontier of an earlier size, from stored hashes: as true as its root is known to be.

    Raises:
        LedgerDamaged: if a stored hash is missing.
    """
    places = frontier_places(size)
    stored = reader.tree.hashes(places)
    missing = next((place for place in places if place not in stored), None)
    if missing is not None:
        raise LedgerDamaged(f"the tree of the first {size} entries lacks {missing}")
    return Frontier(size, tuple(stored[place] for place in places))


def frontier_of(reader: Reader, checkpoint: Checkpoint) -> Frontier:
    """The frontier under a verified checkpoint.

    Raises:
        LedgerDamaged: if the stored tree of that size has another root.
    """
    frontier = frontier_at(reader, checkpoint.size)
    if frontier.root != checkpoint.root:
        raise LedgerDamaged(
            f"the tree of the first {checkpoint.size} entries has root {frontier.root.hex()}, "
            f"while {checkpoint.root.hex()} was signed"
        )
    return frontier


def extend(reader: Reader, verified: Frontier, *, upto: int, limit: int) -> Frontier:
    """Read and hash the entries that follow, at most ``limit`` of them and none after ``upto``.

    Raises:
        LedgerDamaged: if one is missing, or does not have the hash it was stored with.
    """
    leaves = []
    expected = verified.size
    for revision, body, stored in reader.tree.bodies(verified.size, limit=min(limit, upto - verified.size)):
        expected += 1
        if revision != expected:
            raise LedgerDamaged(f"entry {expected} is missing")
        leaf = leaf_hash(body)
        if leaf != stored:
            raise LedgerDamaged(f"entry {revision} no longer has the hash it was stored with")
        leaves.append(leaf)
    if len(leaves) < min(limit, upto - verified.size):
        raise LedgerDamaged(f"entry {expected + 1} is missing, while the ledger's head has {upto}")
    return verified.append(leaves)[0]


def check_head(reader: Reader, head: StoredHead, verified: Frontier) -> None:
    """Check the head against the verified tree of the same size, and that nothing stands behind it.

    Raises:
        LedgerDamaged: if they differ.
    """
    if head.size < verified.size:
        raise LedgerDamaged(f"the ledger has {head.size} entries, while {verified.size} were there before")
    if (head.root, head.packed_frontier) != (verified.root, verified.to_bytes()):
        raise LedgerDamaged(
            f"the ledger's head has root {head.root.hex()} at size {head.size}, "
            f"while its entries have {verified.root.hex()}"
        )
    if any(True for _ in reader.tree.bodies(head.size, limit=1)):
        raise LedgerDamaged(f"there are entries after the ledger's head, which has {head.size}")


def check_begins_with(reader: Reader, known: Checkpoint, later: Frontier, what: str) -> None:
    """Check that a verified tree begins with one that was signed before, by a consistency proof.

    Raises:
        LedgerDamaged: if it does not.
    """
    if known.size > later.size:
        raise LedgerDamaged(f"the ledger has {later.size} entries, while {what} has {known.size}")
    try:
        plan = plan_consistency(known.size, later.size)
        proof = plan.proof(reader.tree.hashes(plan.places))
        verify_consistency(known.size, later.size, known.root, later.root, proof)
    except (DamagedTree, InvalidEvidence) as error:
        raise LedgerDamaged(f"the ledger does not begin with what {what} was signed over: {error}") from error
