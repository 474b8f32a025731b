"""Answers to repeated requests are found by their age, so that old ones can be forgotten."""

from __future__ import annotations

from alembic import op

revision = "0012_request_age"
down_revision = "0011_cold_tier"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is too old goes with the first round of forgetting."""
    op.create_index("ix_requests_time", "requests", ["time"])
