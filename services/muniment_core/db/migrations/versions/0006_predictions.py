"""Predictions, in sealed batches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from muniment_core.db.types import BigId, UtcDateTime, ordered_text

revision = "0006_predictions"
down_revision = "0005_search"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "prediction_batches",
        sa.Column("revision", BigId, autoincrement=False, nullable=False),
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("root_hash", sa.LargeBinary(), nullable=False),
        sa.Column("body_digest", sa.String(length=71), nullable=False),
        sa.Column("body_bytes", BigId, nullable=False),
        sa.Column("first_time", UtcDateTime(), nullable=False),
        sa.Column("last_time", UtcDateTime(), nullable=False),
        sa.Column("seal_time", UtcDateTime(), nullable=False),
        sa.Column("expire_time", UtcDateTime(), nullable=True),
        sa.Column("body_dropped", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_prediction_batches_project_id_projects")
        ),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_prediction_batches")),
    )
    op.create_index(
        "ix_prediction_batches_body_dropped_seal_time",
        "prediction_batches",
        ["body_dropped", "seal_time"],
        unique=False,
    )
    op.create_table(
        "prediction_shares",
        sa.Column("version_id", BigId, autoincrement=False, nullable=False),
        sa.Column("hour", BigId, autoincrement=False, nullable=False),
        sa.Column("first_time", UtcDateTime(), autoincrement=False, nullable=False),
        sa.Column("revision", BigId, autoincrement=False, nullable=False),
        sa.Column("last_time", UtcDateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision"],
            ["prediction_batches.revision"],
            name=op.f("fk_prediction_shares_revision_prediction_batches"),
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name=op.f("fk_prediction_shares_version_id_versions")
        ),
        sa.PrimaryKeyConstraint(
            "version_id", "hour", "first_time", "revision", name=op.f("pk_prediction_shares")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "prediction_ids",
        sa.Column("id_hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", BigId, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id_hash", "revision", name=op.f("pk_prediction_ids")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "prediction_senders",
        sa.Column("project_id", BigId, autoincrement=False, nullable=False),
        sa.Column("principal", ordered_text(128), nullable=False),
        sa.Column("sender", ordered_text(128), nullable=False),
        sa.Column("sequence", BigId, nullable=False),
        sa.Column("revision", BigId, nullable=False),
        sa.Column("time", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_prediction_senders_project_id_projects")
        ),
        sa.PrimaryKeyConstraint("project_id", "principal", "sender", name=op.f("pk_prediction_senders")),
    )
    op.create_index("ix_prediction_senders_time", "prediction_senders", ["time"], unique=False)
