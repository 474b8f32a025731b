"""Indexes that search reads, the columns they need, and a summary of every metric."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from muniment_core.db.types import BigId, ordered_text

revision = "0005_search"
down_revision = "0004_signed_checkpoints"
branch_labels = None
depends_on = None

# Text that is ordered or searched by is compared by code point, as SQLite does.
_BY_CODE_POINT = {
    "models": {"description": "TEXT", "creator": "VARCHAR(128)"},
    "model_tags": {"value": "TEXT"},
    "versions": {
        "digest": "VARCHAR(71)",
        "description": "TEXT",
        "author": "VARCHAR(128)",
        "code_repository": "TEXT",
        "code_commit": "VARCHAR(128)",
        "run_id": "VARCHAR(250)",
    },
    "version_tags": {"value": "TEXT"},
    "version_params": {"text": "TEXT"},
    "version_datasets": {"version": "VARCHAR(250)", "digest": "VARCHAR(71)"},
}
_OF_MODEL = "(SELECT project_id FROM models WHERE models.id = model_id)"
_OF_VERSION = "(SELECT project_id FROM versions WHERE versions.id = version_id)"
_PROJECTS = {
    "versions": _OF_MODEL,
    "model_tags": _OF_MODEL,
    "aliases": _OF_MODEL,
    "stage_pointers": _OF_MODEL,
    "version_tags": _OF_VERSION,
    "version_params": _OF_VERSION,
    "version_datasets": _OF_VERSION,
}
_REPLACED = {
    "ix_version_tags_key_version_id": "version_tags",
    "ix_version_params_key_number": "version_params",
    "ix_version_metrics_key_is_latest_value": "version_metrics",
    "ix_version_datasets_digest": "version_datasets",
    "ix_version_parents_parent_id": "version_parents",
}
_INDEXES = {
    "models": (
        ("ix_models_project_id_id", "project_id", "id"),
        ("ix_models_project_id_create_time", "project_id", "create_time", "id"),
        ("ix_models_project_id_update_time", "project_id", "update_time", "id"),
    ),
    "model_tags": (("ix_model_tags_project_id_key_prefix", "project_id", "key", "prefix", "model_id"),),
    "versions": (
        ("ix_versions_project_id_id", "project_id", "id"),
        ("ix_versions_model_id_id", "model_id", "id"),
        ("ix_versions_project_id_state", "project_id", "state", "id"),
        ("ix_versions_project_id_author", "project_id", "author", "id"),
        ("ix_versions_project_id_create_time", "project_id", "create_time", "id"),
        ("ix_versions_project_id_update_time", "project_id", "update_time", "id"),
        ("ix_versions_project_id_run_id", "project_id", "run_id", "id"),
    ),
    "version_tags": (("ix_version_tags_project_id_key_prefix", "project_id", "key", "prefix", "version_id"),),
    "version_params": (
        ("ix_version_params_project_id_key_number", "project_id", "key", "number", "version_id"),
        ("ix_version_params_project_id_key_prefix", "project_id", "key", "prefix", "version_id"),
    ),
    "version_metric_summaries": (
        ("ix_version_metric_summaries_latest", "project_id", "key", "latest", "version_id"),
        ("ix_version_metric_summaries_lowest", "project_id", "key", "lowest", "version_id"),
        ("ix_version_metric_summaries_highest", "project_id", "key", "highest", "version_id"),
    ),
    "version_datasets": (
        ("ix_version_datasets_digest", "digest", "project_id", "version_id"),
        ("ix_version_datasets_project_id_name", "project_id", "name", "version_id"),
    ),
    "version_parents": (("ix_version_parents_parent_id", "parent_id", "version_id"),),
    "aliases": (("ix_aliases_project_id_name", "project_id", "name", "version_id"),),
    "stage_pointers": (("ix_stage_pointers_project_id_stage", "project_id", "stage", "version_id"),),
}
_SUMMARIES = """
    INSERT INTO version_metric_summaries (version_id, key, project_id, latest, lowest, highest)
    SELECT version_id, key, {project},
           max(CASE WHEN is_latest THEN number END), min(number), max(number)
    FROM (
        SELECT version_id, key, is_latest,
               CASE special WHEN '' THEN value WHEN 'inf' THEN {infinity} WHEN '-inf' THEN -{infinity} END
                   AS number
        FROM version_metrics
    ) AS numbers
    GROUP BY version_id, key
"""


def upgrade() -> None:
    """Add columns, table and indexes, and fill them from what is there."""
    on_postgresql = op.get_context().dialect.name == "postgresql"
    for name, table in _REPLACED.items():
        op.drop_index(name, table_name=table)
    if on_postgresql:
        for table, columns in _BY_CODE_POINT.items():
            changes = (f'ALTER {column} TYPE {kind} COLLATE "C"' for column, kind in columns.items())
            op.execute(f"ALTER TABLE {table} {', '.join(changes)}")
    for table, project in _PROJECTS.items():
        op.add_column(table, sa.Column("project_id", BigId, nullable=False, server_default="0"))
        op.execute(f"UPDATE {table} SET project_id = {project}")
    for table, column, nullable in (
        ("model_tags", "value", False),
        ("version_tags", "value", False),
        ("version_params", "text", True),
    ):
        default = None if nullable else ""
        op.add_column(
            table, sa.Column("prefix", ordered_text(128), nullable=nullable, server_default=default)
        )
        op.execute(f"UPDATE {table} SET prefix = substr({column}, 1, 128)")
    op.create_table(
        "version_metric_summaries",
        sa.Column("version_id", BigId, nullable=False),
        sa.Column("key", ordered_text(250), nullable=False),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("latest", sa.Float(53), nullable=True),
        sa.Column("lowest", sa.Float(53), nullable=True),
        sa.Column("highest", sa.Float(53), nullable=True),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name=op.f("fk_version_metric_summaries_version_id_versions")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_version_metric_summaries_project_id_projects")
        ),
        sa.PrimaryKeyConstraint("version_id", "key", name=op.f("pk_version_metric_summaries")),
    )
    op.execute(
        _SUMMARIES.format(
            project=_OF_VERSION.replace("= version_id", "= numbers.version_id"),
            infinity="'Infinity'::float8" if on_postgresql else "9e999",
        )
    )
    for table, indexes in _INDEXES.items():
        for name, *indexed in indexes:
            op.create_index(name, table, indexed, unique=False)
