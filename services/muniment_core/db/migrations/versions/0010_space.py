"""Which bytes are needed until when, where they are, and which blobs are about to go."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from muniment_core.db.types import BigId, UtcDateTime

revision = "0010_space"
down_revision = "0009_inspections"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add leases, and what is told of removals; what is there was counted on when it was added."""
    for table in ("held_chunks", "manifests"):
        op.add_column(table, sa.Column("lease_time", UtcDateTime, nullable=False, server_default="0"))
        op.execute(f"UPDATE {table} SET lease_time = add_time")
    op.add_column("manifests", sa.Column("tier", sa.String(8), nullable=False, server_default="HOT"))
    op.create_index("ix_manifests_config_digest", "manifests", ["config_digest"])
    op.create_index("ix_manifests_chunk_map_digest", "manifests", ["chunk_map_digest"])
    op.create_index("ix_prediction_batches_body_digest", "prediction_batches", ["body_digest"])
    op.create_table(
        "condemned_blobs",
        sa.Column("shelf", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("size", BigId, nullable=False),
        sa.Column("fate", sa.String(16), nullable=False),
        sa.Column("time", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("shelf", "digest", name=op.f("pk_condemned_blobs")),
    )
    op.create_index("ix_condemned_blobs_fate", "condemned_blobs", ["fate"])
    op.create_table(
        "collections",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("epoch", BigId, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collections")),
    )
