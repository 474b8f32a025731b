"""Keys of the log, checkpoints and recoveries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from muniment.ledger.keys import PublicKey
from sqlalchemy import Connection, Row, bindparam, func, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite

from muniment_core.db.signing_tables import ledger_checkpoints, ledger_keys, ledger_recoveries
from muniment_core.domain.signing import LogKey, Recovery, SignedCheckpoint

_SIGNER_LOCK = 0x6D756E73  # "muns": one signer at a time
_KEYS = select(ledger_keys).order_by(ledger_keys.c.revision)
_ACTIVE_KEY = select(ledger_keys).order_by(ledger_keys.c.revision.desc()).limit(1)
_LATEST = select(ledger_checkpoints).order_by(ledger_checkpoints.c.size.desc()).limit(1)
_AT_SIZE = select(ledger_checkpoints).where(ledger_checkpoints.c.size == bindparam("wanted"))
_RECOVERIES = select(ledger_recoveries).order_by(ledger_recoveries.c.revision)
_ADD_CHECKPOINT = {
    "sqlite": sqlite.insert(ledger_checkpoints).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(ledger_checkpoints).on_conflict_do_nothing(),
}


class CheckpointStore:
    """Reads and adds signatures on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def log_keys(self) -> list[LogKey]:
        """All keys of the log, oldest first."""
        return [_key(row) for row in self._connection.execute(_KEYS)]

    def active_key(self) -> LogKey | None:
        """The key that signs now; None before the first start of a server."""
        row = self._connection.execute(_ACTIVE_KEY).one_or_none()
        return None if row is None else _key(row)

    def add_key(self, key: PublicKey, *, revision: int, now: datetime) -> None:
        """Make a key the active one."""
        self._connection.execute(
            insert(ledger_keys).values(
                revision=revision, origin=key.name, public_key=key.key, create_time=now
            )
        )

    def take_turn(self) -> bool:
        """Whether this transaction may sign; on PostgreSQL only one of all replicas at a time may."""
        if self._connection.dialect.name == "sqlite":
            return True
        lock = text("SELECT pg_try_advisory_xact_lock(:key)")
        return bool(self._connection.execute(lock, {"key": _SIGNER_LOCK}).scalar_one())

    def add(self, checkpoint: SignedCheckpoint) -> None:
        """Keep a checkpoint; one of that size that is there already stays."""
        self._connection.execute(
            _ADD_CHECKPOINT[self._connection.dialect.name],
            {
                "size": checkpoint.size,
                "root_hash": checkpoint.root,
                "note": checkpoint.note,
                "key_revision": checkpoint.key_revision,
                "time": checkpoint.time,
            },
        )

    def latest(self) -> SignedCheckpoint | None:
        """The newest checkpoint."""
        row = self._connection.execute(_LATEST).one_or_none()
        return None if row is None else _checkpoint(row)

    def at_size(self, size: int) -> SignedCheckpoint | None:
        """The checkpoint of a size, if that head was signed."""
        row = self._connection.execute(_AT_SIZE, {"wanted": size}).one_or_none()
        return None if row is None else _checkpoint(row)

    def count(self) -> int:
        """How many checkpoints there are."""
        return int(
            self._connection.execute(select(func.count()).select_from(ledger_checkpoints)).scalar_one()
        )

    def recoveries(self) -> list[Recovery]:
        """All recoveries, oldest first."""
        return [
            Recovery(row.revision, row.kept_size, row.anchor_size, row.anchor_root, row.reason, row.time)
            for row in self._connection.execute(_RECOVERIES)
        ]

    def add_recovery(self, recovery: Recovery) -> None:
        """Keep a recovery."""
        self._connection.execute(
            insert(ledger_recoveries).values(
                revision=recovery.revision,
                kept_size=recovery.kept_size,
                anchor_size=recovery.anchor_size,
                anchor_root=recovery.anchor_root,
                reason=recovery.reason,
                time=recovery.time,
            )
        )


def _key(row: Row[Any]) -> LogKey:
    return LogKey(row.revision, PublicKey(row.origin, row.public_key), row.create_time)


def _checkpoint(row: Row[Any]) -> SignedCheckpoint:
    return SignedCheckpoint(row.size, row.root_hash, row.note, row.key_revision, row.time)
