"""Search by the version of a data set reads an index."""

from __future__ import annotations

from alembic import op

revision = "0013_dataset_version"
down_revision = "0012_request_age"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The column is short enough to be indexed as it is, on either database."""
    op.create_index(
        "ix_version_datasets_project_id_version", "version_datasets", ["project_id", "version", "version_id"]
    )
