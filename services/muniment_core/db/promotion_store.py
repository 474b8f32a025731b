"""Promotions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from muniment.names import ModelName, PromotionName
from sqlalchemy import Connection, Row, insert, select

from muniment_core.db.tables import promotions, versions
from muniment_core.domain.errors import PromotionNotFound
from muniment_core.domain.promotion import PromotionRecord, PromotionState

_previous = versions.alias("previous")
_PROMOTIONS = (
    select(promotions, versions.c.number, versions.c.digest, _previous.c.number.label("previous_number"))
    .join(versions, versions.c.id == promotions.c.version_id)
    .outerjoin(_previous, _previous.c.id == promotions.c.previous_version_id)
)


class PromotionStore:
    """Promotions on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create_promoted(
        self,
        model_id: int,
        version_id: int,
        *,
        stage: str,
        requester: str,
        reason: str,
        previous_version_id: int | None,
        now: datetime,
        revision: int,
    ) -> None:
        """Keep a promotion that was executed in the call that asked for it."""
        self._connection.execute(
            insert(promotions).values(
                revision=revision,
                model_id=model_id,
                version_id=version_id,
                stage=stage,
                state=PromotionState.PROMOTED,
                requester=requester,
                reason=reason,
                previous_version_id=previous_version_id,
                create_time=now,
                update_time=now,
                state_revision=revision,
            )
        )

    def require(self, model_id: int, name: PromotionName) -> PromotionRecord:
        """One promotion.

        Raises:
            PromotionNotFound: if the model has none of this revision.
        """
        row = self._connection.execute(
            _PROMOTIONS.where(promotions.c.model_id == model_id, promotions.c.revision == name.revision)
        ).one_or_none()
        if row is None:
            raise PromotionNotFound(name.text)
        return _record(row, name.of_model)

    def page(
        self, model_id: int, model: ModelName, *, before: int | None, limit: int
    ) -> list[PromotionRecord]:
        """Promotions of a model, newest first, older than a revision."""
        statement = _PROMOTIONS.where(promotions.c.model_id == model_id)
        if before is not None:
            statement = statement.where(promotions.c.revision < before)
        rows = self._connection.execute(statement.order_by(promotions.c.revision.desc()).limit(limit))
        return [_record(row, model) for row in rows]


def _record(row: Row[Any], model: ModelName) -> PromotionRecord:
    return PromotionRecord(
        revision=row.revision,
        version=model.version(row.number),
        digest=row.digest,
        stage=row.stage,
        state=PromotionState(row.state),
        requester=row.requester,
        reason=row.reason,
        previous_number=row.previous_number or 0,
        create_time=row.create_time,
        update_time=row.update_time,
        state_revision=row.state_revision,
    )
