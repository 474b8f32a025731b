"""Indexes that lineage reads."""

from __future__ import annotations

revision = "0008_lineage"
down_revision = "0007_bytes_lifecycle"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
