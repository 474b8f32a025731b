"""Tiers, inspection and collection of bytes."""

from __future__ import annotations

revision = "0007_bytes_lifecycle"
down_revision = "0006_predictions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
