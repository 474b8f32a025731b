"""What projects hold of bytes, as tables for checking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, func, select, type_coerce
from sqlalchemy.types import NullType

from muniment_core.db.artifact_tables import cold_chunks, held_chunks, manifest_chunks, manifests
from muniment_core.db.audit.reading import raw, raw_columns, stream
from muniment_core.db.tables import projects
from muniment_core.domain.tiers import Shelf

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
_COLD_CHUNKS = (
    select(
        raw(cold_chunks.c.manifest_id),
        raw(cold_chunks.c.digest),
        raw(cold_chunks.c.size),
        raw(manifests.c.project_id),
    )
    .select_from(cold_chunks.outerjoin(manifests, manifests.c.id == cold_chunks.c.manifest_id))
    .order_by(cold_chunks.c.manifest_id, cold_chunks.c.digest)
)


def _blobs_of(table: Table, *columns: ColumnElement[Any]) -> Select[Any]:
    """The blobs of a table once each: projects and manifests share them."""
    return (
        select(
            raw(table.c.digest),
            func.min(table.c.size).label("least"),
            func.max(table.c.size).label("most"),
            *columns,
        )
        .group_by(table.c.digest)
        .order_by(table.c.digest)
    )


_DAMAGE_TIME = func.max(type_coerce(held_chunks.c.damage_time, NullType())).label("damage_time")
_DAMAGED = _blobs_of(held_chunks, _DAMAGE_TIME).where(held_chunks.c.damage_time.is_not(None))
_TABLES = {Shelf.HOT: held_chunks, Shelf.COLD: cold_chunks}


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

    def cold_chunks(self) -> Iterator[Row[Any]]:
        """Which chunks each manifest has in the cold tier, by the manifest's key."""
        return stream(self._connection, _COLD_CHUNKS)

    def blobs(self) -> Iterator[Row[Any]]:
        """Each chunk any project holds, once, by digest."""
        return stream(self._connection, _blobs_of(held_chunks))

    def cold_blobs(self) -> Iterator[Row[Any]]:
        """Each chunk that is in the cold tier, once, by digest."""
        return stream(self._connection, _blobs_of(cold_chunks))

    def damaged(self) -> Iterator[Row[Any]]:
        """Each chunk that was found damaged, once, by digest."""
        return stream(self._connection, _DAMAGED)

    def is_held(self, shelf: Shelf, digest: str) -> bool:
        """Whether a chunk is to be in a store."""
        try:
            digest.encode()
        except UnicodeEncodeError:
            # What is no text cannot be asked for, and nobody has collected it.
            return True
        table = _TABLES[shelf]
        statement = select(table.c.digest).where(table.c.digest == digest).limit(1)
        return self._connection.execute(statement).first() is not None

    def is_kept(self, manifest_id: int, tier: str) -> bool:
        """Whether a manifest is there and its chunks are still in a tier."""
        statement = select(manifests.c.id).where(manifests.c.id == manifest_id, manifests.c.tier == tier)
        return self._connection.execute(statement).first() is not None
