"""Sealed batches of predictions, on one connection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from muniment_core.db.prediction_tables import (
    prediction_batch_versions,
    prediction_batches,
    prediction_ids,
    prediction_senders,
)


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A sealed batch.

    Attributes:
        revision: of its ledger entry.
        root_hash: RFC 9162 root over its predictions.
        expire_time: when its body was dropped, or None.
    """

    revision: int
    project_id: int
    count: int
    root_hash: bytes
    body_digest: str
    body_bytes: int
    first_time: datetime
    last_time: datetime
    seal_time: datetime
    expire_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class VersionShare:
    """The predictions of one version in one batch."""

    count: int
    first_time: datetime
    last_time: datetime


@dataclass(frozen=True, slots=True)
class SenderKey:
    """Who sends: senders of different principals never meet."""

    project_id: int
    principal: str
    sender: str


class PredictionStore:
    """Batches, what finds their predictions, and how far senders are."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def sealed(self, key: SenderKey) -> tuple[int, int]:
        """The last sealed message of a sender and the revision of its batch; (0, 0) for a new one."""
        row = self._connection.execute(
            select(prediction_senders.c.sequence, prediction_senders.c.revision).where(
                *_where(prediction_senders, key)
            )
        ).one_or_none()
        return (row.sequence, row.revision) if row else (0, 0)

    def seal(
        self,
        batch: BatchRecord,
        *,
        id_hashes: Iterable[int],
        shares: Mapping[int, VersionShare],
        senders: Mapping[SenderKey, int],
    ) -> None:
        """Keep a batch whose body is durable.

        Args:
            id_hashes: of its predictions.
            shares: by version.
            senders: the last message of each sender that it holds.
        """
        self._connection.execute(
            insert(prediction_batches).values({name: getattr(batch, name) for name in BatchRecord.__slots__})
        )
        self._connection.execute(
            insert(prediction_ids),
            [
                {"project_id": batch.project_id, "id_hash": found, "revision": batch.revision}
                for found in sorted(set(id_hashes))
            ],
        )
        self._connection.execute(
            insert(prediction_batch_versions),
            [
                {
                    "version_id": version_id,
                    "revision": batch.revision,
                    "count": share.count,
                    "first_time": share.first_time,
                    "last_time": share.last_time,
                }
                for version_id, share in shares.items()
            ],
        )
        for key, sequence in senders.items():
            self._connection.execute(delete(prediction_senders).where(*_where(prediction_senders, key)))
            self._connection.execute(
                insert(prediction_senders).values(
                    project_id=key.project_id,
                    principal=key.principal,
                    sender=key.sender,
                    sequence=sequence,
                    revision=batch.revision,
                    time=batch.seal_time,
                )
            )

    def batches_with_id(self, project_id: int, id_hash: int) -> list[BatchRecord]:
        """Batches that may hold a prediction, oldest first."""
        rows = self._connection.execute(
            select(prediction_batches)
            .join(prediction_ids, prediction_ids.c.revision == prediction_batches.c.revision)
            .where(prediction_ids.c.project_id == project_id, prediction_ids.c.id_hash == id_hash)
            .order_by(prediction_batches.c.revision)
        )
        return [_batch(row) for row in rows]

    def expired(self, *, sealed_before: datetime, limit: int) -> Sequence[BatchRecord]:
        """Batches sealed before a time whose bodies are still kept, oldest first."""
        rows = self._connection.execute(
            select(prediction_batches)
            .where(prediction_batches.c.seal_time < sealed_before, prediction_batches.c.expire_time.is_(None))
            .order_by(prediction_batches.c.seal_time)
            .limit(limit)
        )
        return [_batch(row) for row in rows]


def _where(table: Any, key: SenderKey) -> tuple[Any, ...]:
    return (
        table.c.project_id == key.project_id,
        table.c.principal == key.principal,
        table.c.sender == key.sender,
    )


def _batch(row: Row[Any]) -> BatchRecord:
    return BatchRecord(
        revision=row.revision,
        project_id=row.project_id,
        count=row.count,
        root_hash=row.root_hash,
        body_digest=row.body_digest,
        body_bytes=row.body_bytes,
        first_time=row.first_time,
        last_time=row.last_time,
        seal_time=row.seal_time,
        expire_time=row.expire_time,
    )
