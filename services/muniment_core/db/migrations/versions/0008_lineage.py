"""Where aliases pointed and which states versions had, over time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from muniment_core.db.types import BigId, ordered_text

revision = "0008_lineage"
down_revision = "0007_bytes_lifecycle"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and write into them what is known: the last move of each alias and version."""
    op.create_table(
        "alias_moves",
        sa.Column("model_id", BigId, nullable=False),
        sa.Column("name", ordered_text(128), nullable=False),
        sa.Column("revision", BigId, autoincrement=False, nullable=False),
        sa.Column("version_id", BigId, nullable=True),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_alias_moves_model_id_models")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name=op.f("fk_alias_moves_version_id_versions")
        ),
        sa.PrimaryKeyConstraint("model_id", "name", "revision", name=op.f("pk_alias_moves")),
    )
    op.create_table(
        "version_state_moves",
        sa.Column("version_id", BigId, nullable=False),
        sa.Column("revision", BigId, autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name=op.f("fk_version_state_moves_version_id_versions")
        ),
        sa.PrimaryKeyConstraint("version_id", "revision", name=op.f("pk_version_state_moves")),
    )
    op.execute(
        "INSERT INTO alias_moves (model_id, name, revision, version_id) "
        "SELECT model_id, name, revision, version_id FROM aliases"
    )
    # Nothing changed a version after the change that took it out of use, so its revision is that change's.
    op.execute(
        "INSERT INTO version_state_moves (version_id, revision, state) "
        "SELECT id, revision, state FROM versions WHERE state <> 'READY'"
    )
