"""Use cases on metrics."""

from __future__ import annotations

from collections.abc import Sequence

from muniment.names import VersionName
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.catalog import MetricValue, VersionState, metrics_digest
from muniment_core.domain.errors import LimitExceeded, VersionNotReady
from muniment_core.domain.ledger import EntryDraft
from muniment_core.domain.limits import MAX_METRICS

from muniment_metadata.versions import get_version


def add_metrics(
    unit: UnitOfWork, name: VersionName, metrics: Sequence[MetricValue]
) -> tuple[MetricValue, ...]:
    """Add measured values to a version.

    Raises:
        VersionNotFound: if there is none.
        VersionNotReady: if it was deleted.
        LimitExceeded: if it would have more metrics than a version may.
    """
    version = unit.versions.require(name)
    if version.state is VersionState.DELETED:
        raise VersionNotReady(name.text, version.state)
    values = tuple(metrics)
    unit.metrics.add(version.id, values, revision=unit.revision)
    count = unit.metrics.count_keys(version.id)
    if count > MAX_METRICS:
        raise LimitExceeded("metrics of the version", MAX_METRICS, count)
    unit.record(
        EntryDraft(
            type="metrics.added",
            project=name.project,
            model=name.model,
            number=name.number,
            digest=version.digest,
            data={"metrics": metrics_digest(values), "count": len(values)},
        )
    )
    return values


def list_metrics(
    reader: Reader, name: VersionName, *, key: str, after: int | None, limit: int
) -> list[tuple[int, MetricValue]]:
    """Values in the order they were added, each with its position.

    Raises:
        VersionNotFound: if the version does not exist.
    """
    return reader.metrics.page(get_version(reader, name).id, key=key, after=after, limit=limit)
