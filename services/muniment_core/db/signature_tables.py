"""Signatures of versions' files: the bundles, whose digests are in the versions' frozen records."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, LargeBinary, Table

from muniment_core.db.tables import metadata
from muniment_core.db.types import BigId

# Beside the versions: a bundle of ten thousand files has megabytes, and versions are read all the time.
version_signatures = Table(
    "version_signatures",
    metadata,
    Column("version_id", BigId, ForeignKey("versions.id"), primary_key=True, autoincrement=False),
    Column("bundle", LargeBinary, nullable=False),
)
