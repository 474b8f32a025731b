"""The keeper of the ledger: one thread per process that watches over what was signed, and signs what is new.

A process that holds the log's private key reads every new entry again, hashes it, and signs the head only when
that is what the hashes lead to. One that does not follows: it checks that each new checkpoint is signed and
begins with the one before. Both keep the newest checkpoint in their anchor, the signer before anyone else sees
it, and both raise the alarm when the ledger is not what was signed: then nobody writes any more. Processes may
share an anchor: one that finds a newer checkpoint there than its own looks at the ledger anew, as at its start.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from muniment.ledger.checkpoint import Checkpoint
from muniment.ledger.keys import SigningKey

from muniment_core.db.database import Database
from muniment_core.db.integrity import domain_error_of
from muniment_core.db.ledger_store import LedgerStore, StoredHead
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.db.writer import Change, Writer
from muniment_core.domain.access import SYSTEM
from muniment_core.domain.errors import DomainError
from muniment_core.domain.merkle import Frontier
from muniment_core.domain.signing import SignedCheckpoint
from muniment_core.signing.anchor import Anchor, Anchored, UnusableAnchor
from muniment_core.signing.inspection import LedgerDamaged, check_head, extend
from muniment_core.signing.key_file import KeyFile, UnusableKey
from muniment_core.signing.standing import Standing, read_anchor, stand

ENTRIES_AT_ONCE = 5_000
"""Entries that are read in one transaction: enough to be fast, few enough not to hold a snapshot for long."""
PAUSE_SECONDS = 0.4
"""Between two signatures; with the commit it takes, no entry waits longer than a second for its checkpoint."""
RETRY_SECONDS = 2.0
_log = logging.getLogger(__name__)


class LedgerKeeper:
    """Watches over the ledger of one database.

    Attributes:
        alarm: why nothing may be written; empty when all is well.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        *,
        anchor: Anchor,
        key_file: KeyFile,
        poll_seconds: float,
    ) -> None:
        """
        Args:
            anchor: where the newest checkpoint is kept besides the database.
            poll_seconds: how often to look for what other processes committed.
        """
        self.alarm = ""
        self._database = database
        self._clock = clock
        self._anchor = anchor
        self._key_file = key_file
        self._poll_seconds = poll_seconds
        self._standing: Standing | None = None
        self._signer: SigningKey | None = None
        self._without = ""
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def inspect(self) -> None:
        """Look whether the ledger is what was signed, before anyone writes; raises the alarm if not."""
        try:
            with self._database.reading() as connection:
                self.alarm = Reader(connection, self._clock()).ledger.stored_head().alarm
            if not self.alarm:
                self._stand_anew()
                return
        except LedgerDamaged as error:
            self._raise_alarm(str(error))
            return
        _tell(self.alarm)

    def start(self, writer: Writer) -> None:
        """Begin to watch; whatever ``writer`` commits is to be told by :meth:`wake`."""
        self._thread = threading.Thread(target=self._run, args=(writer,), name="muniment-keeper", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There is something new."""
        self._wake.set()

    def stop(self) -> None:
        """Sign what is new and end; the writer must still run."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def keep(self, writer: Writer) -> None:
        """Bring signatures and anchor up to date, once; the thread does nothing else.

        Raises:
            LedgerDamaged: if the ledger is not what was signed.
        """
        while self._step(writer):
            pass

    def _run(self, writer: Writer) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            self._stop.wait(self._attempt(writer))
            if not self._stop.is_set():
                self._wake.wait(self._poll_seconds)
        self._attempt(writer)

    def _attempt(self, writer: Writer) -> float:
        """Keep the ledger, whatever happens; how many seconds to leave it at that."""
        try:
            self.keep(writer)
        except LedgerDamaged as error:
            writer.suspend()
            if self.alarm != str(error):
                self._raise_alarm(str(error))
        except (DomainError, UnusableKey, OSError) as error:
            # The anchor's place, the key's file or the writer: nothing is signed until it works again.
            _log.warning("the ledger cannot be signed now: %s", error)
            return RETRY_SECONDS
        except Exception as error:  # noqa: BLE001 - the thread must live on, and says what it met
            refusal = domain_error_of(error)
            if refusal is None:
                _log.error("the ledger cannot be signed", exc_info=error)
            else:
                _log.warning("the ledger cannot be signed now: %s", refusal)
            return RETRY_SECONDS
        return PAUSE_SECONDS

    def _step(self, writer: Writer) -> bool:
        """One look at the ledger; whether there is more to be seen."""
        with self._database.reading() as connection:
            reader = Reader(connection, self._clock())
            head = reader.ledger.stored_head()
            if head.alarm:
                self._heed(head.alarm, writer)
                return False
            standing = self._current_standing(reader, head)
            if standing is not None:
                self._end_alarm(writer)
                signer = self._current_signer(reader)
                latest = reader.checkpoints.latest()
                followed = standing.follow(reader, latest)
                if signer is not None:
                    standing = self._standing = standing.at(_verify(reader, head, standing.verified))
        if standing is None:
            self._stand_anew()
            return True
        if signer is not None and standing.verified.size < head.size:
            return True
        if signer is not None and (latest is None or latest.size < head.size):
            self._sign(writer, signer, standing)
        elif followed is not None and latest is not None:
            self._keep_anchor(standing, followed, latest.note)
        return False

    def _stand_anew(self) -> None:
        """Look whether the ledger is what was signed, as at a start."""
        # The anchor first: a snapshot that is older than it would lack what others anchored meanwhile.
        kept = read_anchor(self._anchor)
        with self._database.reading() as connection:
            self._standing = stand(Reader(connection, self._clock()), kept)

    def _current_standing(self, reader: Reader, head: StoredHead) -> Standing | None:
        """What this process knows; None after a recovery, which may have led to another ledger."""
        standing = self._standing
        if standing is None or standing.recoveries != len(reader.checkpoints.recoveries()):
            return None
        known = standing.anchored
        if known is not None and head.size < known.size:
            raise LedgerDamaged(f"the ledger has {head.size} entries, while the anchor has {known.size}")
        return standing

    def _current_signer(self, reader: Reader) -> SigningKey | None:
        """The private part of the log's key, if this process has it."""
        active = reader.checkpoints.active_key()
        if active is None:
            return None
        if self._signer is None or self._signer.public != active.public:
            self._signer = self._key_file.load_matching(active.public)
            if self._signer is None and self._without != active.public.text:
                self._without = active.public.text
                _log.warning(
                    "%s has no private key of %s: this process signs nothing",
                    self._key_file.path,
                    self._without,
                )
        return self._signer

    def _sign(self, writer: Writer, signer: SigningKey, standing: Standing) -> None:
        head = standing.verified
        checkpoint = Checkpoint(signer.public.name, head.size, head.root)
        note = checkpoint.signed_by(signer)
        # First the anchor: what others have seen must be known here when the database has lost it.
        if not self._keep_anchor(standing, checkpoint, note):
            return

        def add(unit: UnitOfWork) -> None:
            active = unit.checkpoints.active_key()
            if active is not None and active.public == signer.public and unit.checkpoints.take_turn():
                unit.checkpoints.add(SignedCheckpoint(head.size, head.root, note, active.revision, unit.now))

        writer.submit(Change(add, SYSTEM.name, recorded=False)).result()

    def _keep_anchor(self, standing: Standing, checkpoint: Checkpoint, note: bytes) -> bool:
        """Keep a checkpoint in the anchor; False if a newer one is there: then the ledger is looked at anew."""
        try:
            kept = self._anchor.write(Anchored(note, standing.recoveries))
        except UnusableAnchor as error:
            raise LedgerDamaged(str(error)) from error
        self._standing = standing.anchored_at(checkpoint) if kept else None
        return kept

    def _heed(self, alarm: str, writer: Writer) -> None:
        """Another process raised the alarm."""
        writer.suspend()
        if self.alarm != alarm:
            _tell(alarm)
        self.alarm, self._standing = alarm, None

    def _end_alarm(self, writer: Writer) -> None:
        if self.alarm:
            _log.warning("the ledger is written again: its operator has decided")
            self.alarm = ""
            writer.resume()

    def _raise_alarm(self, why: str) -> None:
        """Let nobody write, in no process of this database."""
        self.alarm, self._standing = why, None
        _tell(why)
        try:
            with self._database.writing() as connection:
                LedgerStore(connection).set_alarm(why)
        except Exception as error:
            # Where this cannot be written nothing else can, and this process holds itself to it anyway.
            if domain_error_of(error) is None:
                raise
            _log.warning("the alarm cannot be told to other processes: %s", error)


def _verify(reader: Reader, head: StoredHead, verified: Frontier) -> Frontier:
    """The verified tree after some more entries; with the last of them it must be what the head says."""
    if head.size < verified.size:
        raise LedgerDamaged(f"the ledger has {head.size} entries, while {verified.size} were there before")
    verified = extend(reader, verified, upto=head.size, limit=ENTRIES_AT_ONCE)
    if verified.size == head.size:
        check_head(reader, head, verified)
    return verified


def _tell(alarm: str) -> None:
    _log.error(
        "recovery mode: reads go on, nothing is signed or written, because %s. Run 'muniment-server fsck'; then "
        "restore an intact copy, or go on with this one by 'muniment-server recover'",
        alarm,
    )
