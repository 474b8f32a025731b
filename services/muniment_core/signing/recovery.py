"""The operator's decision to go on with a ledger that is not the one that was signed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from muniment.ledger.checkpoint import Checkpoint
from muniment.ledger.merkle import EMPTY_ROOT

from muniment_core.db.database import Database
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.db.writer import Change, Writer
from muniment_core.domain.access import SYSTEM
from muniment_core.domain.merkle import Frontier
from muniment_core.domain.signing import Recovery
from muniment_core.signing.anchor import Anchor
from muniment_core.signing.changes import record_recovery
from muniment_core.signing.inspection import LedgerDamaged, check_head, extend
from muniment_core.signing.keeper import ENTRIES_AT_ONCE
from muniment_core.signing.standing import read_anchor, stand


class NothingToRecover(RuntimeError):
    """The ledger is what was signed."""

    def __init__(self) -> None:
        super().__init__("the ledger is what was signed: there is nothing to recover from")


class CannotRecover(RuntimeError):
    """The ledger is damaged in itself, so that nobody can go on with it."""

    def __init__(self, why: LedgerDamaged) -> None:
        super().__init__(
            f"nobody can go on with this ledger, because {why}: restore an intact copy of the database"
        )


def recover(
    database: Database, writer: Writer, clock: Callable[[], datetime], *, anchor: Anchor, reason: str
) -> Recovery:
    """Leave recovery mode with the ledger as it stands; an entry says for ever what was given up, and why.

    Raises:
        OSError, DomainError: if the anchor's place cannot be used.
        NothingToRecover: if the ledger is what was signed and no alarm was raised.
        CannotRecover: if its entries do not lead to its head.
    """
    try:
        kept = read_anchor(anchor)
        unreadable = False
    except LedgerDamaged:
        kept, unreadable = None, True
    clear = anchor.clearing()
    with database.reading() as connection:
        reader = Reader(connection, clock())
        if not (unreadable or reader.ledger.stored_head().alarm):
            try:
                stand(reader, kept)
            except LedgerDamaged:
                pass
            else:
                raise NothingToRecover
        try:
            _fold(reader)
        except LedgerDamaged as error:
            raise CannotRecover(error) from error
    # Nothing that can be read of what was anchored: the empty head.
    given_up = Checkpoint("", 0, EMPTY_ROOT) if kept is None else kept.checkpoint

    def work(unit: UnitOfWork) -> Recovery:
        return record_recovery(unit, given_up, reason)

    recovery = writer.submit(Change(work, SYSTEM.name, in_recovery=True)).result()
    # It begins anew with the next checkpoint. A process that is cut off here finds the entry instead. What others
    # that share the anchor wrote since the entry stays.
    clear()
    return recovery


def _fold(reader: Reader) -> None:
    """Read and hash every entry from the first on."""
    head, verified = reader.ledger.stored_head(), Frontier()
    while verified.size < head.size:
        verified = extend(reader, verified, upto=head.size, limit=ENTRIES_AT_ONCE)
    check_head(reader, head, verified)
