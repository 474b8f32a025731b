"""How much space versions take, added up by the database along its indexes; no manifest is read."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, and_, func, not_, select

from muniment_core.db.artifact_tables import cold_chunks, held_chunks, manifest_chunks, manifests
from muniment_core.db.tables import versions
from muniment_core.domain.catalog import VersionState

_OF_MANIFEST = and_(versions.c.project_id == manifests.c.project_id, versions.c.digest == manifests.c.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How much space some versions take.

    Attributes:
        logical_bytes: of their files.
        stored_bytes: of the different chunks they are made of that are at hand.
        shared_bytes: of those chunks that other versions of the project need as well.
        archived_bytes: of the different chunks they have in the cold tier.
    """

    version_count: int
    logical_bytes: int
    stored_bytes: int
    shared_bytes: int
    archived_bytes: int


class UsageStore:
    """Adds up on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_project(self, project_id: int) -> Usage:
        """All versions of a project, which shares nothing with others that could be told."""
        return self._usage(versions.c.project_id == project_id, alone=True)

    def of_model(self, model_id: int) -> Usage:
        """All versions of a model."""
        return self._usage(versions.c.model_id == model_id)

    def of_version(self, version_id: int) -> Usage:
        """One version."""
        return self._usage(versions.c.id == version_id)

    def _usage(self, counted: ColumnElement[bool], *, alone: bool = False) -> Usage:
        live = versions.c.state != VersionState.DELETED
        logical = select(func.count(), func.coalesce(func.sum(versions.c.size_bytes), 0))
        count, logical_bytes = self._connection.execute(logical.where(counted, live)).one()
        made_of = _chunks_of(and_(counted, live))
        needed_by_others = (
            _chunks_of(and_(not_(counted), live))
            .where(manifest_chunks.c.chunk_id == held_chunks.c.id)
            .correlate(held_chunks)
            .exists()
        )
        stored = self._sum(held_chunks.c.id.in_(made_of))
        shared = 0 if alone else self._sum(and_(held_chunks.c.id.in_(made_of), needed_by_others))
        return Usage(
            version_count=count,
            logical_bytes=int(logical_bytes),
            stored_bytes=stored,
            shared_bytes=shared,
            archived_bytes=self._archived(and_(counted, live)),
        )

    def _archived(self, condition: ColumnElement[bool]) -> int:
        different = (
            select(cold_chunks.c.digest, cold_chunks.c.size)
            .join(manifests, manifests.c.id == cold_chunks.c.manifest_id)
            .join(versions, _OF_MANIFEST)
            .where(condition)
            .distinct()
            .subquery()
        )
        total = select(func.coalesce(func.sum(different.c.size), 0))
        return int(self._connection.execute(total).scalar_one())

    def _sum(self, condition: ColumnElement[bool]) -> int:
        total = select(func.coalesce(func.sum(held_chunks.c.size), 0)).where(condition)
        return int(self._connection.execute(total).scalar_one())


def _chunks_of(condition: ColumnElement[bool]) -> Select[tuple[int]]:
    return (
        select(manifest_chunks.c.chunk_id)
        .join(manifests, manifests.c.id == manifest_chunks.c.manifest_id)
        .join(versions, _OF_MANIFEST)
        .where(condition)
    )
