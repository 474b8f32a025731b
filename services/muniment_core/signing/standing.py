"""What a process knows of the ledger, and how it finds that out when it starts.

At a start only what came after the newest checkpoint is read, so that it takes as long for a long ledger as for
a short one: the stored tree under the checkpoint has the root that was signed, and hashes do not collide.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from muniment.ledger import InvalidEvidence
from muniment.ledger.checkpoint import Checkpoint
from muniment.ledger.keys import PublicKey

from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.merkle import Frontier
from muniment_core.domain.signing import Recovery, SignedCheckpoint
from muniment_core.signing.anchor import Anchor, Anchored, UnusableAnchor
from muniment_core.signing.inspection import (
    LedgerDamaged,
    check_begins_with,
    check_head,
    extend,
    frontier_at,
    frontier_of,
    signed_head,
    verified_note,
)

ENTRIES_AT_START = 20_000
"""Unsigned entries that are hashed before serving; what is beyond is left to the keeper's thread."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a process knows of the ledger.

    Attributes:
        verified: the tree as far as every entry was hashed by this process, or was signed.
        anchored: what the anchor holds; None when it holds nothing that counts.
        recoveries: how many recoveries the ledger tells of.
    """

    verified: Frontier
    anchored: Checkpoint | None
    recoveries: int

    def at(self, verified: Frontier) -> Standing:
        """After more entries were verified."""
        return replace(self, verified=verified)

    def anchored_at(self, checkpoint: Checkpoint) -> Standing:
        """After a checkpoint was written to the anchor."""
        return replace(self, anchored=checkpoint)

    def follow(self, reader: Reader, latest: SignedCheckpoint | None) -> Checkpoint | None:
        """What the newest stored checkpoint says, if it is newer than the anchored one.

        Raises:
            LedgerDamaged: if it is not signed, or contradicts the anchored one or the stored tree.
        """
        if latest is None:
            return None
        known = self.anchored
        if known is not None and (latest.size, latest.root) == (known.size, known.root):
            return None
        checkpoint = signed_head(latest, public_keys(reader))
        frontier = frontier_of(reader, checkpoint)
        if known is None:
            return checkpoint
        if known.size <= checkpoint.size:
            check_begins_with(reader, known, frontier, "the anchor")
            return checkpoint
        # The anchor is written first: a checkpoint that never reached the database is ahead of those there.
        return None


def public_keys(reader: Reader) -> list[PublicKey]:
    """All keys of the log.

    Raises:
        LedgerDamaged: if their table does not hold keys.
    """
    try:
        return [key.public for key in reader.checkpoints.log_keys()]
    except InvalidEvidence as error:
        raise LedgerDamaged(f"the table of the log's keys is damaged: {error}") from error


def read_anchor(anchor: Anchor) -> Anchored | None:
    """What the anchor holds, or None when it holds nothing.

    Raises:
        LedgerDamaged: if it is no anchor.
        OSError, DomainError: if its place cannot be read.
    """
    try:
        return anchor.read()
    except UnusableAnchor as error:
        raise LedgerDamaged(str(error)) from error


def stand(reader: Reader, kept: Anchored | None) -> Standing:
    """Look whether the ledger is what was signed, by its newest checkpoint and by the anchor.

    Args:
        reader: sees what was committed when the anchor was read.
        kept: what the anchor held before the database was looked at.

    Raises:
        LedgerDamaged: if it is not.
    """
    head, latest = reader.ledger.stored_head(), reader.checkpoints.latest()
    recoveries = reader.checkpoints.recoveries()
    verified, anchored = Frontier(), None
    if latest is not None:
        if latest.size > head.size:
            raise LedgerDamaged(f"the ledger has {head.size} entries, while one of {latest.size} was signed")
        verified = frontier_of(reader, signed_head(latest, public_keys(reader)))
    if kept is not None:
        anchored = kept.checkpoint
        if kept.recoveries > len(recoveries):
            raise LedgerDamaged(
                f"the ledger tells of {len(recoveries)} recoveries, while the anchor was written after "
                f"{kept.recoveries}"
            )
        if anchored.size > head.size:
            _unless_given_up(anchored, kept, recoveries, f"the ledger has {head.size} entries")
            anchored = None
    elif latest is not None:
        _log.warning("there is no anchor: it is made anew from the newest checkpoint")
    needed = 0 if anchored is None else anchored.size - verified.size
    verified = extend(reader, verified, upto=head.size, limit=max(ENTRIES_AT_START, needed))
    whole = verified if verified.size == head.size else frontier_at(reader, head.size)
    check_head(reader, head, whole)
    if anchored is not None and kept is not None:
        try:
            verified_note(kept.note, public_keys(reader), "the anchor")
            check_begins_with(reader, anchored, verified, "the anchor")
        except LedgerDamaged as error:
            _unless_given_up(anchored, kept, recoveries, str(error))
            anchored = None
    return Standing(verified, anchored, len(recoveries))


def _unless_given_up(anchored: Checkpoint, kept: Anchored, recoveries: list[Recovery], why: str) -> None:
    """Pass over an anchor that contradicts the ledger, if the operator has decided so since it was written."""
    if any(anchored.size <= recovery.anchor_size for recovery in recoveries[kept.recoveries :]):
        _log.warning("the anchor of %d entries was given up by a recovery: it is made anew", anchored.size)
        return
    raise LedgerDamaged(f"{why}, while the anchor has {anchored.size} with root {anchored.root.hex()}")
