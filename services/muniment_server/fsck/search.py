"""What is kept only to be searched by, against what it was taken from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from muniment_core.db.metric_summaries import summary_of
from muniment_core.db.tables import PREFIX

from muniment_server.fsck.difference import Difference, compare, missing, surplus

_BY_MODEL = "its model"
_BY_VERSION = "its version"
_BY_VALUE = "its value"
_BY_METRICS = "version_metrics"


def compare_project(table: str, key: str, row: Any) -> Iterator[Difference]:
    """The project of a row that belongs to a model."""
    yield from compare(table, key, row._mapping, {"project_id": row.model_project}, by=_BY_MODEL)


def compare_tags(table: str, key: str, tags: Sequence[Any], project_id: object) -> Iterator[Difference]:
    """Project and prefix of the tags of a model or version."""
    for tag in tags:
        yield from _compare_text(table, f"{key} {tag.key}", tag, tag.value, project_id)


def compare_searched(key: str, project_id: object, own: Mapping[str, Sequence[Any]]) -> Iterator[Difference]:
    """What search reads of the rows that belong to a version."""
    yield from compare_tags("version_tags", key, own["version_tags"], project_id)
    for param in own["version_params"]:
        yield from _compare_text("version_params", f"{key} {param.key}", param, param.text, project_id)
    for dataset in own["version_datasets"]:
        place = f"{key} {dataset.position}"
        yield from compare(
            "version_datasets", place, dataset._mapping, {"project_id": project_id}, by=_BY_VERSION
        )
    yield from _summaries(key, project_id, own["version_metrics"], own["version_metric_summaries"])


def _compare_text(table: str, key: str, row: Any, value: object, project_id: object) -> Iterator[Difference]:
    prefix = value[:PREFIX] if isinstance(value, str) else value
    yield from compare(table, key, row._mapping, {"project_id": project_id}, by=_BY_VERSION)
    yield from compare(table, key, row._mapping, {"prefix": prefix}, by=_BY_VALUE)


def _summaries(
    key: str, project_id: object, metrics: Sequence[Any], summaries: Sequence[Any]
) -> Iterator[Difference]:
    taken: dict[Any, list[float]] = {}
    for row in metrics:
        taken.setdefault(row.key, []).append(_number(row))
    for row in summaries:
        place, values = f"{key} {row.key}", taken.pop(row.key, None)
        if values is None:
            yield surplus("version_metric_summaries", place)
            continue
        latest, lowest, highest = summary_of(values)
        expected = {"project_id": project_id, "latest": latest, "lowest": lowest, "highest": highest}
        yield from compare("version_metric_summaries", place, row._mapping, expected, by=_BY_METRICS)
    yield from (missing("version_metric_summaries", f"{key} {name}", _BY_METRICS) for name in taken)


def _number(row: Any) -> float:
    """The value of a metric, NaN where the row makes no sense: that is told of the row itself."""
    value: object = row.value
    if row.special in ("nan", "inf", "-inf"):
        return float(row.special)
    return float(value) if isinstance(value, int | float) else float("nan")
