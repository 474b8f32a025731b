"""Chunks of archived versions, in the cold tier."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from muniment_core.db.types import BigId

revision = "0011_cold_tier"
down_revision = "0010_space"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing was archived before, so nothing is in it."""
    op.create_table(
        "cold_chunks",
        sa.Column("manifest_id", BigId, nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("size", BigId, nullable=False),
        sa.ForeignKeyConstraint(
            ["manifest_id"], ["manifests.id"], name=op.f("fk_cold_chunks_manifest_id_manifests")
        ),
        sa.PrimaryKeyConstraint("manifest_id", "digest", name=op.f("pk_cold_chunks")),
    )
    op.create_index("ix_cold_chunks_digest", "cold_chunks", ["digest"])
