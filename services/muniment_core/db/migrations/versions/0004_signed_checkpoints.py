"""Signed checkpoints and the keys that sign them."""

from __future__ import annotations

revision = "0004_signed_checkpoints"
down_revision = "0003_change_of_models"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
