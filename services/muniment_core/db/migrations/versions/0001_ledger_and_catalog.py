"""The ledger, access and the catalog."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from muniment_core.db.types import BigId, UtcDateTime, ordered_text

revision = "0001_ledger_and_catalog"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "instance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("page_token_key", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", UtcDateTime(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_instance_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("revision", BigId, autoincrement=False, nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("time", UtcDateTime(), nullable=False),
        sa.Column("actor", ordered_text(128), nullable=False),
        sa.Column("project", ordered_text(128), nullable=False),
        sa.Column("model", ordered_text(128), nullable=False),
        sa.Column("stage", ordered_text(128), nullable=False),
        sa.Column("number", BigId, nullable=False),
        sa.Column("previous_number", BigId, nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_ledger_entries")),
    )
    op.create_index("ix_ledger_entries_actor_revision", "ledger_entries", ["actor", "revision"], unique=False)
    op.create_index(
        "ix_ledger_entries_model_revision", "ledger_entries", ["project", "model", "revision"], unique=False
    )
    op.create_index(
        "ix_ledger_entries_project_revision", "ledger_entries", ["project", "revision"], unique=False
    )
    op.create_index("ix_ledger_entries_time", "ledger_entries", ["time"], unique=False)
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("size", BigId, nullable=False),
        sa.Column("root_hash", sa.LargeBinary(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_ledger_head_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_head")),
    )
    op.create_table(
        "ledger_nodes",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", BigId, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "position", name=op.f("pk_ledger_nodes")),
    )
    op.create_table(
        "projects",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", ordered_text(128), nullable=False),
        sa.Column("folded_name", ordered_text(128), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("create_time", UtcDateTime(), nullable=False),
        sa.Column("revision", BigId, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("folded_name", name=op.f("uq_projects_folded_name")),
    )
    op.create_table(
        "requests",
        sa.Column("principal", ordered_text(128), nullable=False),
        sa.Column("request_id", ordered_text(128), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("revision", BigId, nullable=False),
        sa.Column("time", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("principal", "request_id", name=op.f("pk_requests")),
    )
    op.create_table(
        "models",
        sa.Column("id", BigId, nullable=False),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("name", ordered_text(128), nullable=False),
        sa.Column("folded_name", ordered_text(128), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("latest_number", BigId, nullable=False),
        sa.Column("creator", sa.String(length=128), nullable=False),
        sa.Column("create_time", UtcDateTime(), nullable=False),
        sa.Column("update_time", UtcDateTime(), nullable=False),
        sa.Column("revision", BigId, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_models_project_id_projects")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.UniqueConstraint("project_id", "folded_name", name=op.f("uq_models_project_id_folded_name")),
    )
    op.create_index("ix_models_project_id_name", "models", ["project_id", "name"], unique=False)
    op.create_table(
        "project_stages",
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", ordered_text(128), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_project_stages_project_id_projects")
        ),
        sa.PrimaryKeyConstraint("project_id", "position", name=op.f("pk_project_stages")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_project_stages_project_id_name")),
    )
    op.create_table(
        "tokens",
        sa.Column("id", BigId, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("principal", ordered_text(128), nullable=False),
        sa.Column("project_id", BigId, nullable=True),
        sa.Column("roles", sa.String(length=128), nullable=False),
        sa.Column("create_time", UtcDateTime(), nullable=False),
        sa.Column("expire_time", UtcDateTime(), nullable=True),
        sa.Column("revoke_time", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_tokens_project_id_projects")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_tokens_secret_hash")),
    )
    op.create_index("ix_tokens_project_id", "tokens", ["project_id", "id"], unique=False)
    op.create_table(
        "model_tags",
        sa.Column("model_id", BigId, nullable=False),
        sa.Column("key", ordered_text(128), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_model_tags_model_id_models")),
        sa.PrimaryKeyConstraint("model_id", "key", name=op.f("pk_model_tags")),
    )
    op.create_table(
        "versions",
        sa.Column("id", BigId, nullable=False),
        sa.Column("model_id", BigId, nullable=False),
        sa.Column("number", BigId, nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("size_bytes", BigId, nullable=False),
        sa.Column("file_count", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("author", sa.String(length=128), nullable=False),
        sa.Column("create_time", UtcDateTime(), nullable=False),
        sa.Column("update_time", UtcDateTime(), nullable=False),
        sa.Column("create_revision", BigId, nullable=False),
        sa.Column("revision", BigId, nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("code_repository", sa.Text(), nullable=False),
        sa.Column("code_commit", sa.String(length=128), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_versions_model_id_models")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_versions")),
        sa.UniqueConstraint("model_id", "number", name=op.f("uq_versions_model_id_number")),
    )
    op.create_index("ix_versions_code_commit", "versions", ["code_commit"], unique=False)
    op.create_index("ix_versions_digest", "versions", ["digest"], unique=False)
    op.create_index("ix_versions_model_id_digest", "versions", ["model_id", "digest"], unique=False)
    op.create_index(
        "ix_versions_model_id_state_number", "versions", ["model_id", "state", "number"], unique=False
    )
    op.create_table(
        "aliases",
        sa.Column("model_id", BigId, nullable=False),
        sa.Column("name", ordered_text(128), nullable=False),
        sa.Column("version_id", BigId, nullable=False),
        sa.Column("actor", ordered_text(128), nullable=False),
        sa.Column("update_time", UtcDateTime(), nullable=False),
        sa.Column("revision", BigId, nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_aliases_model_id_models")),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name=op.f("fk_aliases_version_id_versions")),
        sa.PrimaryKeyConstraint("model_id", "name", name=op.f("pk_aliases")),
    )
    op.create_index("ix_aliases_version_id", "aliases", ["version_id"], unique=False)
    op.create_table(
        "version_datasets",
        sa.Column("version_id", BigId, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", ordered_text(250), nullable=False),
        sa.Column("version", sa.String(length=250), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name=op.f("fk_version_datasets_version_id_versions")
        ),
        sa.PrimaryKeyConstraint("version_id", "position", name=op.f("pk_version_datasets")),
    )
    op.create_index("ix_version_datasets_digest", "version_datasets", ["digest"], unique=False)
    op.create_index("ix_version_datasets_name", "version_datasets", ["name", "version"], unique=False)
    op.create_table(
        "version_metrics",
        sa.Column("id", BigId, nullable=False),
        sa.Column("version_id", BigId, nullable=False),
        sa.Column("key", ordered_text(250), nullable=False),
        sa.Column("value", sa.Float(precision=53), nullable=True),
        sa.Column("special", sa.String(length=4), nullable=False),
        sa.Column("step", BigId, nullable=False),
        sa.Column("dataset", sa.String(length=250), nullable=False),
        sa.Column("reporter", sa.String(length=128), nullable=False),
        sa.Column("measure_time", UtcDateTime(), nullable=False),
        sa.Column("revision", BigId, nullable=False),
        sa.Column("is_latest", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name=op.f("fk_version_metrics_version_id_versions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version_metrics")),
    )
    op.create_index(
        "ix_version_metrics_key_is_latest_value",
        "version_metrics",
        ["key", "is_latest", "value"],
        unique=False,
    )
    op.create_index("ix_version_metrics_version_id_id", "version_metrics", ["version_id", "id"], unique=False)
    op.create_index(
        "ix_version_metrics_version_id_is_latest_key",
        "version_metrics",
        ["version_id", "is_latest", "key"],
        unique=False,
    )
    op.create_table(
        "version_params",
        sa.Column("version_id", BigId, nullable=False),
        sa.Column("key", ordered_text(250), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("number", sa.Float(precision=53), nullable=True),
        sa.CheckConstraint("(text IS NULL) <> (number IS NULL)", name=op.f("ck_version_params_one_kind")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name=op.f("fk_version_params_version_id_versions")
        ),
        sa.PrimaryKeyConstraint("version_id", "key", name=op.f("pk_version_params")),
    )
    op.create_index("ix_version_params_key_number", "version_params", ["key", "number"], unique=False)
    op.create_table(
        "version_parents",
        sa.Column("version_id", BigId, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parent_id", BigId, nullable=False),
        sa.Column("relation", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["versions.id"], name=op.f("fk_version_parents_parent_id_versions")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name=op.f("fk_version_parents_version_id_versions")
        ),
        sa.PrimaryKeyConstraint("version_id", "position", name=op.f("pk_version_parents")),
    )
    op.create_index("ix_version_parents_parent_id", "version_parents", ["parent_id"], unique=False)
    op.create_table(
        "version_tags",
        sa.Column("version_id", BigId, nullable=False),
        sa.Column("key", ordered_text(128), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name=op.f("fk_version_tags_version_id_versions")
        ),
        sa.PrimaryKeyConstraint("version_id", "key", name=op.f("pk_version_tags")),
    )
    op.create_index("ix_version_tags_key_version_id", "version_tags", ["key", "version_id"], unique=False)
