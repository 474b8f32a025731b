"""Sealed batches of predictions, on one connection: sealing them, and what a sender has sealed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    Row,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from muniment_core.db.prediction_tables import (
    prediction_batches,
    prediction_ids,
    prediction_senders,
    prediction_shares,
)
from muniment_core.domain.prediction import (
    Batch,
    SenderKey,
    SenderPosition,
    Share,
    ShareKey,
    from_microseconds,
)

_SENDER = select(prediction_senders.c.sequence, prediction_senders.c.revision).where(
    prediction_senders.c.project_id == bindparam("project_id"),
    prediction_senders.c.principal == bindparam("principal"),
    prediction_senders.c.sender == bindparam("sender"),
)
# One array instead of thousands of rows of parameters: a tenth of the time.
_ADD_IDS_POSTGRESQL = insert(prediction_ids).from_select(
    ["id_hash", "revision"],
    select(
        func.unnest(bindparam("id_hashes", type_=ARRAY(BigInteger))),
        bindparam("revision", type_=BigInteger),
    ),
)
_ADD_IDS_SQLITE = "INSERT INTO prediction_ids (id_hash, revision) VALUES (?, ?)"
_BATCHES = select(prediction_batches)
_WITH_ID = (
    _BATCHES.join(prediction_ids, prediction_ids.c.revision == prediction_batches.c.revision)
    .where(
        prediction_ids.c.id_hash == bindparam("id_hash"),
        prediction_batches.c.project_id == bindparam("project_id"),
    )
    .order_by(prediction_batches.c.expire_time.is_not(None), prediction_batches.c.revision)
    .limit(bindparam("limit"))
)
_SENDER_COLUMNS = ("project_id", "principal", "sender")


def _move_sender(dialect: Any) -> Any:
    statement = dialect.insert(prediction_senders)
    moved = {name: statement.excluded[name] for name in ("sequence", "revision", "time")}
    return statement.on_conflict_do_update(index_elements=_SENDER_COLUMNS, set_=moved)


_MOVE_SENDER = {"sqlite": _move_sender(sqlite), "postgresql": _move_sender(postgresql)}


class PredictionStore:
    """Batches, what finds their predictions, and how far senders are."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def position(self, key: SenderKey) -> SenderPosition:
        """How far a sender is."""
        row = self._connection.execute(_SENDER, _sender(key)).one_or_none()
        return SenderPosition(row.sequence, row.revision) if row else SenderPosition()

    def seal(
        self,
        batch: Batch,
        *,
        id_hashes: Collection[int],
        shares: Mapping[ShareKey, Share],
        senders: Mapping[SenderKey, int],
    ) -> None:
        """Keep a batch whose body is durable.

        Args:
            id_hashes: of its predictions.
            shares: who made its predictions and when.
            senders: the last message of each sender that it holds.
        """
        self._connection.execute(
            insert(prediction_batches), {name: getattr(batch, name) for name in Batch.__slots__}
        )
        self._add_ids(sorted(set(id_hashes)), batch.revision)
        self._connection.execute(
            insert(prediction_shares),
            [
                {
                    "version_id": key.version_id,
                    "hour": key.hour,
                    "first_time": from_microseconds(share.first),
                    "last_time": from_microseconds(share.last),
                    "revision": batch.revision,
                    "count": share.count,
                }
                for key, share in shares.items()
            ],
        )
        self._connection.execute(
            _MOVE_SENDER[self._connection.dialect.name],
            [
                {
                    **_sender(key),
                    "sequence": sequence,
                    "revision": batch.revision,
                    "time": batch.seal_time,
                }
                for key, sequence in senders.items()
            ],
        )

    def batches_with_id(self, project_id: int, id_hash: int, *, limit: int) -> list[Batch]:
        """Batches that may hold a prediction, those that are not expired before others, and oldest first."""
        wanted = {"project_id": project_id, "id_hash": id_hash, "limit": limit}
        rows = self._connection.execute(_WITH_ID, wanted)
        return [batch_of(row) for row in rows]

    def kept(self, *, sealed_before: datetime, limit: int) -> list[Batch]:
        """Batches sealed before a time that no retention touched, oldest first."""
        return self._undropped(
            prediction_batches.c.seal_time < sealed_before,
            prediction_batches.c.expire_time.is_(None),
            limit=limit,
        )

    def given_up(self, *, limit: int) -> list[Batch]:
        """Expired batches whose bodies may still be there."""
        return self._undropped(prediction_batches.c.expire_time.is_not(None), limit=limit)

    def not_expired(self, revisions: Sequence[int]) -> list[int]:
        """Those of the batches that no retention touched, in order."""
        found = select(prediction_batches.c.revision).where(
            prediction_batches.c.revision.in_(revisions), prediction_batches.c.expire_time.is_(None)
        )
        return list(self._connection.execute(found.order_by(prediction_batches.c.revision)).scalars())

    def expire(self, revisions: Iterable[int], *, now: datetime) -> None:
        """Note that retention gave the bodies of batches up."""
        self._set(revisions, expire_time=now)

    def note_dropped(self, revisions: Iterable[int]) -> None:
        """Note that the bodies of batches are removed."""
        self._set(revisions, body_dropped=True)

    def forget_senders(self, *, silent_since: datetime) -> None:
        """Forget senders that sealed nothing since a time."""
        self._connection.execute(delete(prediction_senders).where(prediction_senders.c.time < silent_since))

    def _add_ids(self, id_hashes: Sequence[int], revision: int) -> None:
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(_ADD_IDS_POSTGRESQL, {"id_hashes": id_hashes, "revision": revision})
        else:
            self._connection.exec_driver_sql(_ADD_IDS_SQLITE, [(found, revision) for found in id_hashes])

    def _undropped(self, *conditions: Any, limit: int) -> list[Batch]:
        rows = self._connection.execute(
            _BATCHES.where(prediction_batches.c.body_dropped.is_(False), *conditions)
            .order_by(prediction_batches.c.seal_time, prediction_batches.c.revision)
            .limit(limit)
        )
        return [batch_of(row) for row in rows]

    def _set(self, revisions: Iterable[int], **values: Any) -> None:
        self._connection.execute(
            update(prediction_batches)
            .where(prediction_batches.c.revision == bindparam("of_revision"))
            .values(values),
            [{"of_revision": revision} for revision in revisions],
        )


def batch_of(row: Row[Any]) -> Batch:
    """A batch from its row."""
    return Batch(
        revision=row.revision,
        project_id=row.project_id,
        count=row._mapping["count"],  # `row.count` is the method of a tuple
        root_hash=bytes(row.root_hash),
        body_digest=row.body_digest,
        body_bytes=row.body_bytes,
        first_time=row.first_time,
        last_time=row.last_time,
        seal_time=row.seal_time,
        expire_time=row.expire_time,
        body_dropped=row.body_dropped,
    )


def _sender(key: SenderKey) -> dict[str, object]:
    return {name: getattr(key, name) for name in SenderKey.__slots__}
