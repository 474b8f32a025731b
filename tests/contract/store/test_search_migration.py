"""What was recorded before there was search is found by it."""

from __future__ import annotations

from datetime import UTC, datetime

from alembic import command
from muniment_core.db import schema
from muniment_core.db.database import Database
from sqlalchemy import text

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LONG = "y" * 300

BEFORE = f"""
INSERT INTO projects (id, name, folded_name, description, create_time, revision)
    VALUES (7, 'p', 'p', '', 0, 1);
INSERT INTO models (id, project_id, name, folded_name, description, state, latest_number, creator, create_time,
    update_time, revision) VALUES (3, 7, 'm', 'm', '', 'ACTIVE', 1, 'ann', 0, 0, 1);
INSERT INTO versions (id, model_id, number, digest, state, size_bytes, file_count, description, author,
    create_time, update_time, create_revision, revision, record, code_repository, code_commit, run_id)
    VALUES (5, 3, 1, 'sha256:a', 'READY', 1, 1, '', 'ann', 0, 0, 1, 1, '', '', '', '');
INSERT INTO model_tags (model_id, key, value) VALUES (3, 'k', '{LONG}');
INSERT INTO version_tags (version_id, key, value) VALUES (5, 'k', '{LONG}');
INSERT INTO version_params (version_id, key, text, number) VALUES (5, 'k', '{LONG}', NULL), (5, 'n', NULL, 1.5);
INSERT INTO version_datasets (version_id, position, name, version, digest, uri, role)
    VALUES (5, 0, 'd', '', '', '', 'train');
INSERT INTO aliases (model_id, name, version_id, actor, update_time, revision) VALUES (3, 'a', 5, 'ann', 0, 1);
INSERT INTO stage_moves (revision, model_id, stage, kind, version_id, actor, reason, time)
    VALUES (9, 3, 's', 'PROMOTION', 5, 'ann', '', 0);
INSERT INTO stage_pointers (model_id, stage, version_id, move_revision, effective_revision)
    VALUES (3, 's', 5, 9, 9);
"""
METRICS = [
    ("f1", 0.5, "", False),
    ("f1", None, "nan", False),
    ("f1", 0.9, "", False),
    ("f1", 0.7, "", True),
    ("loss", None, "inf", False),
    ("loss", None, "nan", True),
    ("none", None, "nan", True),
]


def test_rows_from_before_get_their_project_prefix_and_summary(empty_database: Database) -> None:
    with empty_database.writing() as connection:
        command.upgrade(schema._config(connection), "0004_signed_checkpoints")
        for statement in BEFORE.split(";\n"):
            if statement.strip():
                connection.execute(text(statement))
        for key, value, special, latest in METRICS:
            connection.execute(
                text(
                    "INSERT INTO version_metrics (version_id, key, value, special, step, dataset, reporter,"
                    " measure_time, revision, is_latest)"
                    " VALUES (5, :key, :value, :special, 0, '', 'ann', 0, 1, :latest)"
                ),
                {"key": key, "value": value, "special": special, "latest": latest},
            )
    schema.migrate(empty_database, lambda: NOW)
    with empty_database.reading() as connection:
        for table in (
            *("versions", "model_tags", "version_tags", "version_params", "version_datasets"),
            *("aliases", "stage_pointers", "version_metric_summaries"),
        ):
            assert set(connection.execute(text(f"SELECT project_id FROM {table}")).scalars()) == {7}, table
        for table in ("model_tags", "version_tags"):
            assert connection.execute(text(f"SELECT prefix FROM {table}")).scalar_one() == LONG[:128]
        params = connection.execute(text("SELECT key, prefix FROM version_params ORDER BY key"))
        assert [tuple(row) for row in params] == [("k", LONG[:128]), ("n", None)]
        summaries = connection.execute(
            text("SELECT key, latest, lowest, highest FROM version_metric_summaries ORDER BY key")
        )
        infinite = float("inf")
        assert [tuple(row) for row in summaries] == [
            ("f1", 0.7, 0.5, 0.9),
            ("loss", None, infinite, infinite),
            ("none", None, None, None),
        ]
