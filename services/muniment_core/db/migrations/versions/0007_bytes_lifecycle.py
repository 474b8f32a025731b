"""What is known of bytes after they were stored: damage that was found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from muniment_core.db.types import UtcDateTime

revision = "0007_bytes_lifecycle"
down_revision = "0006_predictions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the time of damage, and the index by which the few damaged chunks are found."""
    op.add_column("held_chunks", sa.Column("damage_time", UtcDateTime))
    damaged = sa.text("damage_time IS NOT NULL")
    op.create_index(
        "ix_held_chunks_damaged",
        "held_chunks",
        ["project_id"],
        sqlite_where=damaged,
        postgresql_where=damaged,
    )
