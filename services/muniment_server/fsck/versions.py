"""Versions with all that is kept beside them, against their frozen records and the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from muniment.ledger.fold import Fold
from muniment.ledger.state import READY, VersionState
from muniment_core.db.audit.catalog import CatalogRows
from muniment_core.domain.catalog import FrozenRecord, MetricValue, bytes_digest, metrics_digest
from muniment_core.domain.tiers import Tier

from muniment_server.fsck.catalog import compare_labels
from muniment_server.fsck.difference import (
    Difference,
    compare,
    microseconds,
    missing,
    shown,
    surplus,
    time_at,
)
from muniment_server.fsck.owned import OwnedRows
from muniment_server.fsck.search import compare_project, compare_searched

_CHILDREN = (
    *("version_tags", "version_params", "version_datasets", "version_parents", "version_metrics"),
    *("version_metric_summaries", "version_signatures"),
)


def check_versions(rows: CatalogRows, fold: Fold) -> Iterator[Difference]:
    """Every version, its columns, and the rows that belong to it."""
    children = {table: OwnedRows(table, rows.of(table), owner="version_id") for table in _CHILDREN}
    seen: set[tuple[str, str, int]] = set()
    for row in rows.of("versions"):
        own = {table: owned.of(row.id) for table, owned in children.items()}
        key = f"{row.in_project}/{row.in_model}@{row.number}"
        model = fold.models.get((row.in_project, row.in_model))
        state = model.versions.get(row.number) if model else None
        if state is None:
            yield surplus("versions", key)
            continue
        seen.add((row.in_project, row.in_model, row.number))
        yield from compare("versions", key, row._mapping, _columns(row, state))
        if row.manifest_size is None:
            yield missing("manifests", f"{row.in_project}/{row.digest}", f"version {key} is made of it")
        tags = {tag.key: tag.value for tag in own["version_tags"]}
        yield from compare_labels("versions", key, row.description, tags, state.labels)
        yield from _metrics(key, own["version_metrics"], state)
        yield from _record(key, row, own, state)
        yield from compare_project("versions", key, row)
        yield from compare_searched(key, row.model_project, own)
    for owned in children.values():
        yield from owned.strays()
    for (project, model_name), model in fold.models.items():
        for number in model.versions:
            if (project, model_name, number) not in seen:
                yield missing("versions", f"{project}/{model_name}@{number}")


def _columns(row: Any, state: VersionState) -> dict[str, object]:
    expected: dict[str, object] = {
        "digest": state.digest,
        "state": state.state,
        "author": state.author,
        "create_time": microseconds(state.create_time),
        "update_time": microseconds(state.update_time),
        "create_revision": state.create_revision,
        "revision": state.revision,
        "size_bytes": state.size_bytes,
    }
    if state.state == READY and row.manifest_tier is not None:
        expected["manifest_tier"] = Tier.HOT.value
    if row.manifest_files is not None:
        expected |= {"file_count": row.manifest_files, "manifest_size": state.size_bytes}
    return expected


def _metrics(key: str, rows: list[Any], state: VersionState) -> Iterator[Difference]:
    by_revision: dict[Any, list[Any]] = defaultdict(list)
    latest: dict[Any, Any] = {}
    for row in rows:
        by_revision[row.revision].append(row)
        latest[row.key] = row.id
    for revision in {**state.metrics, **by_revision}:
        found = _metrics_digest(by_revision.get(revision, []))
        told = state.metrics.get(revision, "none")
        if found != told:
            yield Difference(
                "version_metrics",
                f"{key} of revision {shown(revision)}",
                "key, value, special, step, dataset, reporter, measure_time",
                f"hash to {found}",
                f"the ledger says {told}",
            )
    for row in rows:
        yield from compare(
            "version_metrics",
            f"{key} {row.id}",
            row._mapping,
            {"is_latest": latest[row.key] == row.id, **_special(row)},
            by="the order of its values",
        )


def _metrics_digest(rows: list[Any]) -> str:
    if not rows:
        return "none"
    try:
        return metrics_digest(tuple(map(_metric, rows)))
    except (ValueError, TypeError, OverflowError) as error:
        return f"nothing ({error})"


def _metric(row: Any) -> MetricValue:
    value = float(row.special) if row.special else row.value
    return MetricValue(row.key, value, row.step, row.dataset, row.reporter, time_at(row.measure_time))


def _special(row: Any) -> dict[str, object]:
    """A value that is no number of the line is kept as text, in one spelling, and then no number is."""
    if row.special == "":
        return {}
    return {"special": row.special if row.special in ("nan", "inf", "-inf") else "", "value": None}


def _record(key: str, row: Any, own: dict[str, list[Any]], state: VersionState) -> Iterator[Difference]:
    hashed = bytes_digest(row.record) if type(row.record) is bytes else "nothing"
    if hashed != state.record:
        yield Difference("versions", key, "record", f"hashes to {hashed}", f"the ledger says {state.record}")
        return
    frozen, by = FrozenRecord.from_bytes(row.record), "its frozen record"
    yield from compare(
        "versions",
        key,
        row._mapping,
        {
            "code_repository": frozen.code.repository if frozen.code else "",
            "code_commit": frozen.code.commit if frozen.code else "",
            "run_id": frozen.run.id if frozen.run else "",
        },
        by=by,
    )
    expected: dict[str, list[Any]] = {
        "version_params": sorted(
            (name, value, None) if isinstance(value, str) else (name, None, value)
            for name, value in frozen.params.items()
        ),
        "version_datasets": [
            (position, dataset.name, dataset.version, dataset.digest, dataset.uri, dataset.role)
            for position, dataset in enumerate(frozen.datasets)
        ],
        "version_parents": [
            (position, parent.version.project, parent.version.model, parent.version.number, parent.relation)
            for position, parent in enumerate(frozen.parents)
        ],
    }
    found: dict[str, list[Any]] = {
        "version_params": sorted(
            ((one.key, one.text, one.number) for one in own["version_params"]),
            key=lambda param: str(param[0]),
        ),
        "version_datasets": [
            (one.position, one.name, one.version, one.digest, one.uri, one.role)
            for one in own["version_datasets"]
        ],
        "version_parents": [
            (one.position, one.in_project, one.in_model, one.of_number, one.relation)
            for one in own["version_parents"]
        ],
    }
    found["version_signatures"] = [bytes_digest(one.bundle) for one in own["version_signatures"]]
    expected["version_signatures"] = [frozen.signature.bundle_digest] if frozen.signature else []
    for table, told in expected.items():
        for index, (left, right) in enumerate(zip_longest(found[table], told), 1):
            if left != right:
                yield Difference(table, key, f"row {index}", f"is {shown(left)}", f"{by} says {shown(right)}")
