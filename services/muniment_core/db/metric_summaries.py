"""The summary of each metric of a version: what search compares and orders by without reading every value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Insert, bindparam, case, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from muniment_core.db.prepared import Prepared
from muniment_core.db.search_tables import version_metric_summaries as summaries
from muniment_core.db.tables import versions
from muniment_core.db.trips import run_in_one_trip
from muniment_core.domain.catalog import MetricValue


def _merging(statement: postgresql.Insert | sqlite.Insert) -> Insert:
    new = statement.excluded
    return statement.values(
        version_id=bindparam("of"),
        key=bindparam("named"),
        project_id=select(versions.c.project_id).where(versions.c.id == bindparam("of")).scalar_subquery(),
        latest=bindparam("last"),
        lowest=bindparam("least"),
        highest=bindparam("most"),
    ).on_conflict_do_update(
        index_elements=["version_id", "key"],
        set_={
            "latest": new.latest,
            # A comparison with NULL, which stands for NaN, is not true: a number is kept over it.
            "lowest": case(
                (summaries.c.lowest.is_(None), new.lowest),
                (new.lowest < summaries.c.lowest, new.lowest),
                else_=summaries.c.lowest,
            ),
            "highest": case(
                (summaries.c.highest.is_(None), new.highest),
                (new.highest > summaries.c.highest, new.highest),
                else_=summaries.c.highest,
            ),
        },
    )


_MERGE = {
    "sqlite": Prepared(_merging(sqlite.insert(summaries))),
    "postgresql": Prepared(_merging(postgresql.insert(summaries))),
}


_VALUES = ("latest", "lowest", "highest")
INSERT_SUMMARY = Prepared(insert(summaries), columns=[column.key for column in summaries.c])


def summary_rows(version_id: int, added: Sequence[MetricValue]) -> list[dict[str, Any]]:
    """The summaries of values in the order they were added, but for the project."""
    taken: dict[str, list[float]] = {}
    for metric in added:
        taken.setdefault(metric.key, []).append(metric.value)
    return [
        {"version_id": version_id, "key": key, **dict(zip(_VALUES, summary_of(values), strict=True))}
        for key, values in taken.items()
    ]


def summary_of(values: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    """Latest, lowest and highest of the values a metric took, None where there is only NaN."""
    numbers = [value for value in values if not math.isnan(value)]
    latest = None if math.isnan(values[-1]) else values[-1]
    return latest, min(numbers, default=None), max(numbers, default=None)


def summarise(connection: Connection, version_id: int, added: Sequence[MetricValue]) -> None:
    """Take values that were just added, in their order, into the summaries of their version."""
    rows = [
        {
            "of": row["version_id"],
            "named": row["key"],
            "last": row["latest"],
            "least": row["lowest"],
            "most": row["highest"],
        }
        for row in summary_rows(version_id, added)
    ]
    run_in_one_trip(connection, [(_MERGE[connection.dialect.name], rows)])
