"""Measured values: only ever added."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, type_coerce, update
from sqlalchemy.types import NullType

from muniment_core.db.id_list import among
from muniment_core.db.metric_summaries import summarise
from muniment_core.db.prepared import Prepared
from muniment_core.db.tables import version_metrics
from muniment_core.db.trips import run_in_one_trip
from muniment_core.db.version_rows import INSERT_METRIC, metric_rows
from muniment_core.domain.catalog import MetricValue

LATEST = Prepared(
    select(
        version_metrics.c.version_id,
        version_metrics.c.key,
        type_coerce(version_metrics.c.value, NullType()),
        version_metrics.c.special,
        version_metrics.c.step,
        version_metrics.c.dataset,
        version_metrics.c.reporter,
        version_metrics.c.measure_time,
    )
    .where(among(version_metrics.c.version_id, "versions"), version_metrics.c.is_latest)
    .order_by(version_metrics.c.key)
)
_LATEST_OF_ONE = Prepared(
    select(version_metrics)
    .where(version_metrics.c.version_id == bindparam("version"), version_metrics.c.is_latest)
    .order_by(version_metrics.c.key)
)


class MetricStore:
    """Metric values on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, version_id: int, metrics: Sequence[MetricValue], *, revision: int) -> None:
        """Add values; the last one of each key becomes the latest."""
        if not metrics:
            return
        self._connection.execute(
            update(version_metrics)
            .where(
                version_metrics.c.version_id == version_id,
                version_metrics.c.is_latest,
                version_metrics.c.key.in_({metric.key for metric in metrics}),
            )
            .values(is_latest=False)
        )
        rows = metric_rows(version_id, metrics, revision=revision)
        run_in_one_trip(self._connection, [(INSERT_METRIC, rows)])
        summarise(self._connection, version_id, metrics)

    def count_keys(self, version_id: int) -> int:
        """How many metrics a version has, each however many values it took."""
        return int(
            self._connection.execute(
                select(func.count())
                .select_from(version_metrics)
                .where(version_metrics.c.version_id == version_id, version_metrics.c.is_latest)
            ).scalar_one()
        )

    def page(
        self, version_id: int, *, key: str, after: int | None, limit: int
    ) -> list[tuple[int, MetricValue]]:
        """Values in the order they were added, each with its position for the next page."""
        statement = select(version_metrics).where(version_metrics.c.version_id == version_id)
        if key:
            statement = statement.where(version_metrics.c.key == key)
        if after is not None:
            statement = statement.where(version_metrics.c.id > after)
        rows = self._connection.execute(statement.order_by(version_metrics.c.id).limit(limit))
        return [(row.id, _value(row)) for row in rows]

    def latest(self, version_ids: Sequence[int]) -> dict[int, tuple[MetricValue, ...]]:
        """The latest value of each metric by version, ordered by key."""
        if len(version_ids) == 1:
            rows = _LATEST_OF_ONE.all(self._connection, version=version_ids[0])
            return {version_ids[0]: tuple(_value(row) for row in rows)}
        return metrics_by_version(LATEST.all(self._connection, versions=version_ids))


def metrics_by_version(rows: Iterable[Any]) -> dict[int, tuple[MetricValue, ...]]:
    """What the rows of :data:`LATEST` tell."""
    found: dict[int, list[MetricValue]] = defaultdict(list)
    for version_id, key, value, special, *rest in rows:
        found[version_id].append(MetricValue(key, float(special) if special else value, *rest))
    return {version_id: tuple(values) for version_id, values in found.items()}


def _value(row: Any) -> MetricValue:
    return MetricValue(
        row.key,
        float(row.special) if row.special else row.value,
        row.step,
        row.dataset,
        row.reporter,
        row.measure_time,
    )
