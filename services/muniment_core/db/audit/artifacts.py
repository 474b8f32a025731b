"""What projects hold of bytes, as tables for checking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, func, select, type_coerce
from sqlalchemy.types import NullType

from muniment_core.db.artifact_tables import held_chunks, manifest_chunks, manifests
from muniment_core.db.audit.reading import raw, raw_columns, stream
from muniment_core.db.tables import projects

_MANIFESTS = (
    select(*raw_columns(manifests), raw(projects.c.name).label("in_project"))
    .select_from(manifests.outerjoin(projects, projects.c.id == manifests.c.project_id))
    .order_by(manifests.c.id)
)
_MANIFEST_CHUNKS = (
    select(
        raw(manifest_chunks.c.manifest_id),
        raw(held_chunks.c.digest),
        raw(held_chunks.c.size),
        raw(held_chunks.c.project_id),
    )
    .select_from(manifest_chunks.outerjoin(held_chunks, held_chunks.c.id == manifest_chunks.c.chunk_id))
    .order_by(manifest_chunks.c.manifest_id, held_chunks.c.digest)
)
# Projects that hold the same bytes share one blob.
_BLOBS = (
    select(
        raw(held_chunks.c.digest),
        func.min(held_chunks.c.size).label("least"),
        func.max(held_chunks.c.size).label("most"),
        func.max(type_coerce(held_chunks.c.damage_time, NullType())).label("damage_time"),
    )
    .group_by(held_chunks.c.digest)
    .order_by(held_chunks.c.digest)
)


class ArtifactRows:
    """The artifact service's tables on one connection, as streams."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def manifests(self) -> Iterator[Row[Any]]:
        """The manifests, by key."""
        return stream(self._connection, _MANIFESTS)

    def manifest_chunks(self) -> Iterator[Row[Any]]:
        """Which chunks each manifest is noted to be made of, by the manifest's key."""
        return stream(self._connection, _MANIFEST_CHUNKS)

    def blobs(self) -> Iterator[Row[Any]]:
        """Each chunk any project holds, once, by digest."""
        return stream(self._connection, _BLOBS)

    def is_held(self, digest: str) -> bool:
        """Whether any project holds a chunk."""
        statement = select(held_chunks.c.id).where(held_chunks.c.digest == digest).limit(1)
        return self._connection.execute(statement).first() is not None

    def is_kept(self, manifest_id: int, tier: str) -> bool:
        """Whether a manifest is there and its chunks are still in a tier."""
        statement = select(manifests.c.id).where(manifests.c.id == manifest_id, manifests.c.tier == tier)
        return self._connection.execute(statement).first() is not None
