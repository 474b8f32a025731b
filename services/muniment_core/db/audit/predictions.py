"""What is kept of predictions, as tables for checking."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from muniment_core.db.audit.reading import fetch, raw, raw_columns, stream
from muniment_core.db.prediction_tables import (
    prediction_batches,
    prediction_ids,
    prediction_senders,
    prediction_shares,
)
from muniment_core.db.tables import ledger_entries, models, projects, versions

_BATCHES = (
    select(*raw_columns(prediction_batches), raw(projects.c.name).label("in_project"))
    .select_from(prediction_batches.outerjoin(projects, projects.c.id == prediction_batches.c.project_id))
    .order_by(prediction_batches.c.revision)
)
_SHARES = (
    select(
        *raw_columns(prediction_shares),
        raw(versions.c.number).label("of_number"),
        raw(models.c.name).label("in_model"),
        raw(projects.c.name).label("in_project"),
    )
    .select_from(
        prediction_shares.outerjoin(versions, versions.c.id == prediction_shares.c.version_id)
        .outerjoin(models, models.c.id == versions.c.model_id)
        .outerjoin(projects, projects.c.id == models.c.project_id)
    )
    .order_by(prediction_shares.c.revision)
)
_SENDERS = select(
    *raw_columns(prediction_senders),
    raw(prediction_batches.c.project_id).label("batch_project"),
    raw(prediction_batches.c.seal_time).label("batch_time"),
    raw(ledger_entries.c.actor).label("actor"),
).select_from(
    prediction_senders.outerjoin(
        prediction_batches, prediction_batches.c.revision == prediction_senders.c.revision
    ).outerjoin(ledger_entries, ledger_entries.c.revision == prediction_senders.c.revision)
)
_SLICE = 500


class PredictionRows:
    """The tables of predictions on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def batches(self) -> Generator[Row[Any], None, None]:
        """Sealed batches, in order of revision."""
        return stream(self._connection, _BATCHES)

    def shares(self) -> Generator[Row[Any], None, None]:
        """Whose predictions the batches hold, in order of the batches' revisions."""
        return stream(self._connection, _SHARES)

    def senders(self) -> Generator[Row[Any], None, None]:
        """How far senders are, each with the batch its last message is in."""
        return stream(self._connection, _SENDERS)

    def is_kept(self, revision: int) -> bool:
        """Whether the body of a batch was not given up."""
        statement = select(prediction_batches.c.revision).where(
            prediction_batches.c.revision == revision, prediction_batches.c.expire_time.is_(None)
        )
        return self._connection.execute(statement).first() is not None

    def known_ids(self, revision: int, id_hashes: Sequence[int]) -> set[int]:
        """Those of the ids that are known to be in a batch."""
        known: set[int] = set()
        for start in range(0, len(id_hashes), _SLICE):
            wanted = id_hashes[start : start + _SLICE]
            statement = select(prediction_ids.c.id_hash).where(
                prediction_ids.c.id_hash.in_(wanted), prediction_ids.c.revision == revision
            )
            known.update(row[0] for row in fetch(self._connection, statement, {}))
        return known
