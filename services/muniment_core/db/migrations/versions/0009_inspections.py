"""What was found out about the bytes of files, and signatures of versions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from muniment_core.db.types import BigId, UtcDateTime

revision = "0009_inspections"
down_revision = "0008_lineage"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "file_inspections",
        sa.Column("project_id", BigId, nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("ruleset", sa.String(length=128), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=False),
        sa.Column("inspect_time", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_file_inspections_project_id_projects")
        ),
        sa.PrimaryKeyConstraint("project_id", "digest", "ruleset", name=op.f("pk_file_inspections")),
    )
    op.create_table(
        "version_signatures",
        sa.Column("version_id", BigId, autoincrement=False, nullable=False),
        sa.Column("bundle", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name=op.f("fk_version_signatures_version_id_versions")
        ),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_version_signatures")),
    )
