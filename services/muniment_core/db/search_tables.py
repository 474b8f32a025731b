"""What is kept for search alone; the indexes of search stand with the tables they are on."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Table

from muniment_core.db.tables import metadata
from muniment_core.db.types import BigId, ordered_text

# One row for all values of a key, kept in the transaction that adds them. Here the infinities are numbers; NaN
# is NULL, and as lowest and highest it counts only where there is nothing else.
version_metric_summaries = Table(
    "version_metric_summaries",
    metadata,
    Column("version_id", BigId, ForeignKey("versions.id"), primary_key=True),
    Column("key", ordered_text(250), primary_key=True),
    Column("project_id", BigId, ForeignKey("projects.id"), nullable=False),
    Column("latest", Float(53), nullable=True),
    Column("lowest", Float(53), nullable=True),
    Column("highest", Float(53), nullable=True),
    Index("ix_version_metric_summaries_latest", "project_id", "key", "latest", "version_id"),
    Index("ix_version_metric_summaries_lowest", "project_id", "key", "lowest", "version_id"),
    Index("ix_version_metric_summaries_highest", "project_id", "key", "highest", "version_id"),
)
