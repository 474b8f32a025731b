"""A catalog too large to be made by calls: rows straight into the tables, the same on every run."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import rfc8785
from muniment_core.db.database import Database
from muniment_core.db.search_tables import version_metric_summaries
from muniment_core.db.tables import (
    aliases,
    model_tags,
    models,
    projects,
    stage_moves,
    stage_pointers,
    version_datasets,
    version_metrics,
    version_params,
    version_parents,
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
    database: Database,
    count: int,
    *,
    project: str = "default",
    metrics: Sequence[str] = METRICS,
    per_model: int = VERSIONS_PER_MODEL,
    related: bool = False,
) -> None:
    """Write so many versions into a project that has none, with metrics, two tags, two parameters, a data set.

    Of each model one version is current in `production`.

    Args:
        related: each model also has a tag, `owner`, and an alias, `champion`; and each version has a parent, of
            which its record tells nothing: the one before it, or for the first of a model that of the first model.
    """
    random_numbers = random.Random(count)
    with database.writing() as connection:
        project_id = connection.execute(select(projects.c.id).where(projects.c.name == project)).scalar_one()
        for first in range(1, count + 1, _AT_ONCE):
            ids = range(first, min(first + _AT_ONCE, count + 1))
            rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in _TABLES}
            for version_id in ids:
                of_version = _version(version_id, project_id, random_numbers, metrics, per_model)
                of_others = _related(version_id, project_id, per_model) if related else ()
                for table, row in chain(of_version, of_others):
                    rows[table].append(row)
            for table, written in rows.items():
                _write(connection, table, written)
    with database.writing() as connection:
        _settle(connection)


_TABLES = (
    models,
    model_tags,
    versions,
    version_parents,
    aliases,
    version_tags,
    version_params,
    version_datasets,
    version_metrics,
    version_metric_summaries,
    stage_moves,
    stage_pointers,
)


def _version(
    version_id: int, project_id: int, numbers: random.Random, metrics: Sequence[str], per_model: int
) -> Iterator[tuple[Table, dict[str, Any]]]:
    model_id, number = _place(version_id, per_model)
    of = {"version_id": version_id, "project_id": project_id}
    if number == 1:
        yield models, _model(model_id, project_id, per_model)
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
            "create_time": _BEGIN + timedelta(seconds=version_id),
            "update_time": _BEGIN + timedelta(seconds=version_id),
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
    if number == per_model:
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


def _related(version_id: int, project_id: int, per_model: int) -> Iterator[tuple[Table, dict[str, Any]]]:
    model_id, number = _place(version_id, per_model)
    if version_id > 1:
        parent = {"parent_id": version_id - 1, "relation": "finetuned"}
        if number == 1:
            parent = {"parent_id": 1, "relation": "derived"}
        yield version_parents, {"version_id": version_id, "position": 0, **parent}
    if number == 1:
        team = TEAMS[model_id % len(TEAMS)]
        of = {"model_id": model_id, "project_id": project_id}
        yield model_tags, {**of, "key": "owner", "value": team, "prefix": team}
        pointed = {"name": "champion", "version_id": version_id, "actor": "ann"}
        yield aliases, {**of, **pointed, "update_time": _BEGIN, "revision": version_id}


def _place(version_id: int, per_model: int) -> tuple[int, int]:
    """Key of the model, and number in it."""
    model, before = divmod(version_id - 1, per_model)
    return model + 1, before + 1


_MOVED = {
    "previous_version_id": None,
    "base_revision": None,
    "actor": "ann",
    "reason": "",
    "time": _BEGIN,
}


def _model(model_id: int, project_id: int, per_model: int) -> dict[str, Any]:
    return {
        "id": model_id,
        "project_id": project_id,
        "name": f"model-{model_id}",
        "folded_name": f"model-{model_id}",
        "description": "",
        "state": "ACTIVE",
        "latest_number": per_model,
        "creator": "ann",
        "create_time": _BEGIN + timedelta(seconds=model_id),
        "update_time": _BEGIN + timedelta(seconds=model_id),
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
