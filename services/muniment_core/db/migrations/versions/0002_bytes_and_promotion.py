"""Bytes held by projects, and promotion."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from muniment_core.db.types import BigId, UtcDateTime, ordered_text

revision = "0002_bytes_and_promotion"
down_revision = "0001_ledger_and_catalog"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "held_chunks",
        sa.Column("id", BigId, nullable=False),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("size", BigId, nullable=False),
        sa.Column("add_time", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_held_chunks_project_id_projects")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_chunks")),
        sa.UniqueConstraint("project_id", "digest", name=op.f("uq_held_chunks_project_id_digest")),
    )
    op.create_index("ix_held_chunks_digest", "held_chunks", ["digest"], unique=False)
    op.create_table(
        "manifests",
        sa.Column("id", BigId, nullable=False),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("config_digest", sa.String(length=71), nullable=False),
        sa.Column("chunk_map_digest", sa.String(length=71), nullable=False),
        sa.Column("chunk_map_size", BigId, nullable=False),
        sa.Column("size_bytes", BigId, nullable=False),
        sa.Column("file_count", sa.Integer(), nullable=False),
        sa.Column("add_time", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_manifests_project_id_projects")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manifests")),
        sa.UniqueConstraint("project_id", "digest", name=op.f("uq_manifests_project_id_digest")),
    )
    op.create_table(
        "verified_files",
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("chunks_digest", sa.String(length=71), nullable=False),
        sa.Column("add_time", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_verified_files_project_id_projects")
        ),
        sa.PrimaryKeyConstraint("project_id", "digest", "chunks_digest", name=op.f("pk_verified_files")),
    )
    op.create_table(
        "deployments",
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("target", ordered_text(128), nullable=False),
        sa.Column("model_id", BigId, nullable=False),
        sa.Column("stage", ordered_text(128), nullable=False),
        sa.Column("number", BigId, nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("acted_revision", BigId, nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("reporter", sa.String(length=128), nullable=False),
        sa.Column("report_time", UtcDateTime(), nullable=False),
        sa.Column("revision", BigId, nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_deployments_model_id_models")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_deployments_project_id_projects")
        ),
        sa.PrimaryKeyConstraint("project_id", "target", "model_id", "stage", name=op.f("pk_deployments")),
    )
    op.create_table(
        "manifest_chunks",
        sa.Column("manifest_id", BigId, nullable=False),
        sa.Column("chunk_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(
            ["chunk_id"], ["held_chunks.id"], name=op.f("fk_manifest_chunks_chunk_id_held_chunks")
        ),
        sa.ForeignKeyConstraint(
            ["manifest_id"], ["manifests.id"], name=op.f("fk_manifest_chunks_manifest_id_manifests")
        ),
        sa.PrimaryKeyConstraint("manifest_id", "chunk_id", name=op.f("pk_manifest_chunks")),
    )
    op.create_index("ix_manifest_chunks_chunk_id", "manifest_chunks", ["chunk_id"], unique=False)
    op.create_table(
        "promotions",
        sa.Column("revision", BigId, autoincrement=False, nullable=False),
        sa.Column("model_id", BigId, nullable=False),
        sa.Column("version_id", BigId, nullable=False),
        sa.Column("stage", ordered_text(128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("requester", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("previous_version_id", BigId, nullable=True),
        sa.Column("create_time", UtcDateTime(), nullable=False),
        sa.Column("update_time", UtcDateTime(), nullable=False),
        sa.Column("state_revision", BigId, nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_promotions_model_id_models")),
        sa.ForeignKeyConstraint(
            ["previous_version_id"], ["versions.id"], name=op.f("fk_promotions_previous_version_id_versions")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name=op.f("fk_promotions_version_id_versions")
        ),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_promotions")),
    )
    op.create_index("ix_promotions_model_id_revision", "promotions", ["model_id", "revision"], unique=False)
    op.create_table(
        "stage_moves",
        sa.Column("revision", BigId, autoincrement=False, nullable=False),
        sa.Column("model_id", BigId, nullable=False),
        sa.Column("stage", ordered_text(128), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("version_id", BigId, nullable=False),
        sa.Column("previous_version_id", BigId, nullable=True),
        sa.Column("base_revision", BigId, nullable=True),
        sa.Column("actor", ordered_text(128), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("time", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["base_revision"], ["stage_moves.revision"], name=op.f("fk_stage_moves_base_revision_stage_moves")
        ),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_stage_moves_model_id_models")),
        sa.ForeignKeyConstraint(
            ["previous_version_id"], ["versions.id"], name=op.f("fk_stage_moves_previous_version_id_versions")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name=op.f("fk_stage_moves_version_id_versions")
        ),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_stage_moves")),
    )
    op.create_index("ix_stage_moves_model_id_revision", "stage_moves", ["model_id", "revision"], unique=False)
    op.create_index(
        "ix_stage_moves_model_id_stage_revision",
        "stage_moves",
        ["model_id", "stage", "revision"],
        unique=False,
    )
    op.create_table(
        "stage_pointers",
        sa.Column("model_id", BigId, nullable=False),
        sa.Column("stage", ordered_text(128), nullable=False),
        sa.Column("version_id", BigId, nullable=False),
        sa.Column("move_revision", BigId, nullable=False),
        sa.Column("effective_revision", BigId, nullable=False),
        sa.ForeignKeyConstraint(
            ["effective_revision"],
            ["stage_moves.revision"],
            name=op.f("fk_stage_pointers_effective_revision_stage_moves"),
        ),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_stage_pointers_model_id_models")),
        sa.ForeignKeyConstraint(
            ["move_revision"],
            ["stage_moves.revision"],
            name=op.f("fk_stage_pointers_move_revision_stage_moves"),
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name=op.f("fk_stage_pointers_version_id_versions")
        ),
        sa.PrimaryKeyConstraint("model_id", "stage", name=op.f("pk_stage_pointers")),
    )
    op.create_index("ix_stage_pointers_version_id", "stage_pointers", ["version_id"], unique=False)
