"""The rows a new version is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from muniment.names import ModelName
from sqlalchemy import insert

from muniment_core.db.metric_summaries import INSERT_SUMMARY, summary_rows
from muniment_core.db.prepared import Prepared, Rows
from muniment_core.db.signature_tables import version_signatures
from muniment_core.db.tables import (
    PREFIX,
    version_datasets,
    version_metrics,
    version_params,
    version_parents,
    version_tags,
    versions,
)
from muniment_core.domain.catalog import MetricValue, NewVersion, VersionRecord, VersionState

_INSERT_VERSION = Prepared(insert(versions), columns=[column.key for column in versions.c])
_INSERT_PARAM = Prepared(insert(version_params), columns=[column.key for column in version_params.c])
_INSERT_DATASET = Prepared(insert(version_datasets), columns=[column.key for column in version_datasets.c])
_INSERT_PARENT = Prepared(insert(version_parents), columns=[column.key for column in version_parents.c])
_INSERT_TAG = Prepared(insert(version_tags), columns=[column.key for column in version_tags.c])
_INSERT_SIGNATURE = Prepared(insert(version_signatures), columns=["version_id", "bundle"])
INSERT_METRIC = Prepared(
    insert(version_metrics), columns=[column.key for column in version_metrics.c if column.key != "id"]
)


def new_version_rows(
    version: VersionRecord,
    new: NewVersion,
    *,
    model_id: int,
    project_id: int,
    record: bytes,
    parent_ids: Sequence[int],
) -> list[Rows]:
    """The rows of a version that is written for the first time, in an order that its foreign keys allow."""
    frozen = new.frozen
    return [
        (
            _INSERT_VERSION,
            [
                {
                    "id": version.id,
                    "model_id": model_id,
                    "project_id": project_id,
                    "number": version.name.number,
                    "digest": version.digest,
                    "state": version.state,
                    "size_bytes": version.size_bytes,
                    "file_count": version.file_count,
                    "description": version.description,
                    "author": version.author,
                    "create_time": version.create_time,
                    "update_time": version.update_time,
                    "create_revision": version.create_revision,
                    "revision": version.revision,
                    "record": record,
                    "code_repository": frozen.code.repository if frozen.code else "",
                    "code_commit": frozen.code.commit if frozen.code else "",
                    "run_id": frozen.run.id if frozen.run else "",
                }
            ],
        ),
        (
            _INSERT_PARAM,
            [
                {
                    "version_id": version.id,
                    "key": key,
                    "project_id": project_id,
                    "text": value if isinstance(value, str) else None,
                    "prefix": value[:PREFIX] if isinstance(value, str) else None,
                    "number": None if isinstance(value, str) else value,
                }
                for key, value in frozen.params.items()
            ],
        ),
        (
            _INSERT_DATASET,
            [
                {
                    "version_id": version.id,
                    "position": position,
                    "project_id": project_id,
                    "name": dataset.name,
                    "version": dataset.version,
                    "digest": dataset.digest,
                    "uri": dataset.uri,
                    "role": dataset.role,
                }
                for position, dataset in enumerate(frozen.datasets)
            ],
        ),
        (
            _INSERT_PARENT,
            [
                {
                    "version_id": version.id,
                    "position": position,
                    "parent_id": parent_id,
                    "relation": parent.relation,
                }
                for position, (parent, parent_id) in enumerate(zip(frozen.parents, parent_ids, strict=True))
            ],
        ),
        (
            _INSERT_TAG,
            [
                {
                    "version_id": version.id,
                    "project_id": project_id,
                    "key": key,
                    "value": value,
                    "prefix": value[:PREFIX],
                }
                for key, value in new.tags.items()
            ],
        ),
        (INSERT_METRIC, metric_rows(version.id, new.metrics, revision=version.revision)),
        (
            _INSERT_SIGNATURE,
            [{"version_id": version.id, "bundle": new.bundle}] if frozen.signature else [],
        ),
        (
            INSERT_SUMMARY,
            [{**row, "project_id": project_id} for row in summary_rows(version.id, new.metrics)],
        ),
    ]


def metric_rows(version_id: int, metrics: Sequence[MetricValue], *, revision: int) -> list[dict[str, object]]:
    """The rows of added values; the last one of each key is the latest."""
    last = {metric.key: index for index, metric in enumerate(metrics)}
    return [
        {
            "version_id": version_id,
            "key": metric.key,
            "value": metric.value if math.isfinite(metric.value) else None,
            "special": "" if math.isfinite(metric.value) else str(metric.value),
            "step": metric.step,
            "dataset": metric.dataset,
            "reporter": metric.reporter,
            "measure_time": metric.measure_time,
            "revision": revision,
            "is_latest": last[metric.key] == index,
        }
        for index, metric in enumerate(metrics)
    ]


def new_version_record(
    new: NewVersion,
    *,
    version_id: int,
    model: ModelName,
    number: int,
    size_bytes: int,
    file_count: int,
    author: str,
    now: datetime,
    revision: int,
) -> VersionRecord:
    """A version as it is at its birth: READY, and nowhere current."""
    latest = {metric.key: metric for metric in new.metrics}
    return VersionRecord(
        id=version_id,
        name=model.version(number),
        digest=new.digest,
        state=VersionState.READY,
        size_bytes=size_bytes,
        file_count=file_count,
        description=new.description,
        tags=new.tags,
        frozen=new.frozen,
        metrics=tuple(latest[key] for key in sorted(latest)),
        stages=(),
        aliases=(),
        author=author,
        create_time=now,
        update_time=now,
        create_revision=revision,
        revision=revision,
    )
