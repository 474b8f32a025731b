"""Indexes that search reads."""

from __future__ import annotations

revision = "0005_search"
down_revision = "0004_signed_checkpoints"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
