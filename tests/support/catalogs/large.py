"""A catalog too large to be made by calls: rows straight into the tables, the same on every run."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import rfc8785
from muniment_core.db.database import Database
from muniment_core.db.search_tables import version_metric_summaries
from muniment_core.db.tables import (
    models,
    projects,
    stage_moves,
    stage_pointers,
    version_datasets,
    version_metrics,
    version_params,
    version_tags,
    versions,
)
from sqlalchemy import Connection, Table, select, text

VERSIONS_PER_MODEL = 100
METRICS = ("f1", "accuracy", "precision", "recall", "loss", "auc", "mae", "rmse", "latency", "size")
TEAMS = ("risk", "growth", "search", "ads", "fraud", "core", "maps", "voice", "video", "trust")
DATASETS = 100
"""Each data set was used by one version in so many."""

_BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
_AT_ONCE = 1_000


def dataset_digest(index: int) -> str:
    """The digest of one of the data sets."""
    return _digest(f"dataset-{index}")


def fill(
    database: Database, count: int, *, project: str = "default", metrics: Sequence[str] = METRICS
) -> None:
    """Write so many versions into a project that has none, with metrics, two tags, two parameters, a data set.

    Of each model one version is current in `production`.
    """
    random_numbers = random.Random(count)
    with database.writing() as connection:
        project_id = connection.execute(select(projects.c.id).where(projects.c.name == project)).scalar_one()
        for first in range(1, count + 1, _AT_ONCE):
            ids = range(first, min(first + _AT_ONCE, count + 1))
            rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in _TABLES}
            for version_id in ids:
                for table, row in _version(version_id, project_id, random_numbers, metrics):
                    rows[table].append(row)
            for table, written in rows.items():
                _write(connection, table, written)
    with database.writing() as connection:
        _settle(connection)


_TABLES = (
    models,
    versions,
    version_tags,
    version_params,
    version_datasets,
    version_metrics,
    version_metric_summaries,
    stage_moves,
    stage_pointers,
)


def _version(
    version_id: int, project_id: int, numbers: random.Random, metrics: Sequence[str]
) -> Iterator[tuple[Table, dict[str, Any]]]:
    model_id = (version_id - 1) // VERSIONS_PER_MODEL + 1
    number = (version_id - 1) % VERSIONS_PER_MODEL + 1
    of = {"version_id": version_id, "project_id": project_id}
    if number == 1:
        yield models, _model(model_id, project_id)
    digest = dataset_digest(version_id % DATASETS)
    team, depth = numbers.choice(TEAMS), float(numbers.randint(1, 12))
    record: dict[str, Any] = {
        "params": {"depth": depth, "solver": "lbfgs"},
        "datasets": [{"name": "churn", "version": "1", "digest": digest, "uri": "", "role": "train"}],
    }
    yield (
        versions,
        {
            "id": version_id,
            "model_id": model_id,
            "project_id": project_id,
            "number": number,
            "digest": _digest(f"version-{version_id}"),
            "state": "READY",
            "size_bytes": numbers.randint(1, 10**9),
            "file_count": 1,
            "description": "",
            "author": f"user-{version_id % 50}",
            "create_time": _BEGIN,
            "update_time": _BEGIN,
            "create_revision": version_id,
            "revision": version_id,
            "record": rfc8785.dumps(record),
            "code_repository": "",
            "code_commit": "",
            "run_id": f"run-{version_id}",
        },
    )
    for key, tag in (("team", team), ("tier", str(version_id % 3))):
        yield version_tags, {**of, "key": key, "value": tag, "prefix": tag}
    yield version_params, {**of, "key": "depth", "number": depth, "text": None, "prefix": None}
    yield version_params, {**of, "key": "solver", "number": None, "text": "lbfgs", "prefix": "lbfgs"}
    yield version_datasets, {**of, "position": 0, **record["datasets"][0]}
    for key in metrics:
        value = numbers.random()
        yield version_metrics, {**_metric(version_id, key), "value": value}
        yield (
            version_metric_summaries,
            {**of, "key": key, "latest": value, "lowest": value, "highest": value},
        )
    if number == VERSIONS_PER_MODEL:
        pointed = {"model_id": model_id, "stage": "production", "version_id": version_id}
        yield stage_moves, {"revision": model_id, "kind": "PROMOTION", **pointed, **_MOVED}
        yield (
            stage_pointers,
            {
                **pointed,
                "project_id": project_id,
                "move_revision": model_id,
                "effective_revision": model_id,
            },
        )


_MOVED = {
    "previous_version_id": None,
    "base_revision": None,
    "actor": "ann",
    "reason": "",
    "time": _BEGIN,
}


def _model(model_id: int, project_id: int) -> dict[str, Any]:
    return {
        "id": model_id,
        "project_id": project_id,
        "name": f"model-{model_id}",
        "folded_name": f"model-{model_id}",
        "description": "",
        "state": "ACTIVE",
        "latest_number": VERSIONS_PER_MODEL,
        "creator": "ann",
        "create_time": _BEGIN,
        "update_time": _BEGIN,
        "revision": model_id,
    }


def _metric(version_id: int, key: str) -> dict[str, Any]:
    return {
        "version_id": version_id,
        "key": key,
        "special": "",
        "step": 0,
        "dataset": "",
        "reporter": "ann",
        "measure_time": _BEGIN,
        "revision": version_id,
        "is_latest": True,
    }


def _write(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    names = list(rows[0])
    writers: list[Callable[[Any], Any]] = [
        table.c[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        or (lambda value: value)
        for name in names
    ]
    driver: Any = connection.connection.dbapi_connection
    written = ([write(row[name]) for write, name in zip(writers, names, strict=True)] for row in rows)
    columns = ", ".join(f'"{name}"' for name in names)
    if connection.dialect.name == "sqlite":
        places = ", ".join("?" * len(names))
        driver.executemany(f"INSERT INTO {table.name} ({columns}) VALUES ({places})", written)
        return
    cursor = driver.cursor()
    with cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
        for row in written:
            copy.write_row(row)
    cursor.close()


def _settle(connection: Connection) -> None:
    """What a database does by itself after a while: statistics, and numbers that go on where these ended."""
    if connection.dialect.name == "sqlite":
        return
    for table in _TABLES:
        if "id" in table.c:
            connection.execute(
                text(f"SELECT setval('{table.name}_id_seq', (SELECT max(id) FROM {table.name}))")
            )
    connection.execute(text("ANALYZE"))


def _digest(content: str) -> str:
    return "sha256:" + hashlib.sha256(content.encode()).hexdigest()
