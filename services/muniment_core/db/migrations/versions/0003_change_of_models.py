"""The newest ledger entry of each model, by which answers about its versions are known to hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from muniment_core.db.types import BigId

revision = "0003_change_of_models"
down_revision = "0002_bytes_and_promotion"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, 0 for whatever was changed before it was kept, and an index by which projects are found."""
    op.add_column("models", sa.Column("change_revision", BigId, nullable=False, server_default=sa.text("0")))
    op.create_index("ix_projects_name", "projects", ["name"], unique=False)
