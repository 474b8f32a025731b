"""Which batches hold the predictions of a version, or of all versions trained on a data set; and how many."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from muniment.names import VersionName
from sqlalchemy import Connection, Select, and_, case, func, or_, select, true, tuple_

from muniment_core.db.prediction_store import batch_of
from muniment_core.db.prediction_tables import prediction_batches, prediction_shares
from muniment_core.db.tables import models, projects, version_datasets, versions
from muniment_core.domain.catalog import TRAINING_ROLES
from muniment_core.domain.prediction import ListedShare, PredictionScope, hour_of

_shares = prediction_shares.c
_ORDER = (_shares.hour, _shares.first_time, _shares.revision, _shares.version_id)
_LISTED = (
    select(
        _shares.version_id,
        _shares.hour,
        _shares.first_time.label("share_first_time"),
        _shares.last_time.label("share_last_time"),
        _shares.count.label("share_count"),
        prediction_batches,
        models.c.name.label("model"),
        versions.c.number,
        projects.c.name.label("project"),
    )
    .join(prediction_batches, prediction_batches.c.revision == _shares.revision)
    .join(versions, versions.c.id == _shares.version_id)
    .join(models, models.c.id == versions.c.model_id)
    .join(projects, projects.c.id == models.c.project_id)
    .order_by(*_ORDER)
)


class PredictionSearch:
    """Finds shares on one connection. A bound that is None does not restrict."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def shares(
        self,
        scope: PredictionScope,
        *,
        start: datetime | None,
        end: datetime | None,
        after: tuple[int, datetime, int, int] | None = None,
        limit: int,
    ) -> list[ListedShare]:
        """Shares that reach into a time and whose bodies are kept, by hour and by their first prediction."""
        statement = _restricted(_LISTED, scope, start, end).where(prediction_batches.c.expire_time.is_(None))
        if after is not None:
            statement = statement.where(tuple_(*_ORDER) > tuple_(*after))
        return self._listed(statement.limit(limit))

    def cut(
        self, scope: PredictionScope, *, start: datetime | None, end: datetime | None, limit: int
    ) -> list[ListedShare]:
        """Shares with kept bodies that a bound may go right through: their predictions must be looked at."""
        bounds = [
            and_(_shares.first_time <= bound, _shares.last_time >= bound)
            for bound in (start, end)
            if bound is not None
        ]
        if not bounds:
            return []
        statement = _restricted(_LISTED, scope, start, end)
        return self._listed(
            statement.where(prediction_batches.c.expire_time.is_(None), or_(*bounds)).limit(limit)
        )

    def counts(
        self, scope: PredictionScope, *, start: datetime | None, end: datetime | None
    ) -> tuple[int, int]:
        """Predictions of kept shares that lie wholly within the bounds, and of expired ones that begin there."""
        kept = prediction_batches.c.expire_time.is_(None)
        within = and_(
            true() if start is None else _shares.first_time > start,
            true() if end is None else _shares.last_time < end,
        )
        # The bodies that would tell are gone: a share counts where it begins, as its first prediction would.
        begins = and_(
            true() if start is None else _shares.first_time >= start,
            true() if end is None else _shares.first_time < end,
        )
        statement = select(
            func.coalesce(func.sum(case((and_(kept, within), _shares.count), else_=0)), 0),
            func.coalesce(func.sum(case((and_(~kept, begins), _shares.count), else_=0)), 0),
        ).join_from(prediction_shares, prediction_batches, prediction_batches.c.revision == _shares.revision)
        whole, expired = self._connection.execute(_restricted(statement, scope, start, end)).one()
        return int(whole), int(expired)

    def _listed(self, statement: Select[Any]) -> list[ListedShare]:
        return [
            ListedShare(
                version=VersionName(row.project, row.model, row.number),
                batch=batch_of(row),
                hour=row.hour,
                first_time=row.share_first_time,
                last_time=row.share_last_time,
                count=row.share_count,
                version_id=row.version_id,
            )
            for row in self._connection.execute(statement)
        ]


def _restricted(
    statement: Select[Any], scope: PredictionScope, start: datetime | None, end: datetime | None
) -> Select[Any]:
    """The shares of a scope that reach into a time; hours are an index of it."""
    if scope.version_id:
        statement = statement.where(_shares.version_id == scope.version_id)
    else:
        trained = (
            select(version_datasets.c.version_id)
            .join(versions, versions.c.id == version_datasets.c.version_id)
            .join(models, models.c.id == versions.c.model_id)
            .where(
                version_datasets.c.digest == scope.dataset_digest,
                func.lower(version_datasets.c.role).in_(sorted(TRAINING_ROLES)),
                models.c.project_id == scope.project_id,
            )
        )
        statement = statement.where(_shares.version_id.in_(trained.correlate(None)))
    if start is not None:
        statement = statement.where(_shares.hour >= hour_of(start), _shares.last_time >= start)
    if end is not None:
        statement = statement.where(_shares.hour <= hour_of(end), _shares.first_time <= end)
    return statement
