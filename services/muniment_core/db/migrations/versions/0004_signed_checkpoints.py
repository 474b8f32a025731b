"""Signed checkpoints and the keys that sign them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from muniment_core.db.types import BigId, UtcDateTime

revision = "0004_signed_checkpoints"
down_revision = "0003_change_of_models"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and the place where the ledger's head says that nothing may be written."""
    op.create_table(
        "ledger_keys",
        sa.Column("revision", BigId, autoincrement=False, nullable=False),
        sa.Column("origin", sa.String(length=250), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_ledger_keys")),
    )
    op.create_table(
        "ledger_recoveries",
        sa.Column("revision", BigId, autoincrement=False, nullable=False),
        sa.Column("kept_size", BigId, nullable=False),
        sa.Column("anchor_size", BigId, nullable=False),
        sa.Column("anchor_root", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("time", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_ledger_recoveries")),
    )
    op.create_table(
        "ledger_checkpoints",
        sa.Column("size", BigId, autoincrement=False, nullable=False),
        sa.Column("root_hash", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("key_revision", BigId, nullable=False),
        sa.Column("time", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_revision"],
            ["ledger_keys.revision"],
            name=op.f("fk_ledger_checkpoints_key_revision_ledger_keys"),
        ),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_ledger_checkpoints")),
    )
    # A default only for the row that is there already; the program always says what it means.
    op.add_column("ledger_head", sa.Column("alarm", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("ledger_head") as table:
        table.alter_column("alarm", existing_type=sa.Text(), existing_nullable=False, server_default=None)
