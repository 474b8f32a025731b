"""Which manifests have their chunks in the cold tier, and which chunks those are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from muniment.digests import Digest
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from muniment_core.db.artifact_tables import cold_chunks, held_chunks, manifest_chunks, manifests
from muniment_core.db.collection_store import CollectionStore
from muniment_core.db.needs import cooling
from muniment_core.db.tables import projects
from muniment_core.domain.tiers import Policy, Shelf, Tier

_ENTER = insert(cold_chunks).from_select(
    ["manifest_id", "digest", "size"],
    select(manifest_chunks.c.manifest_id, held_chunks.c.digest, held_chunks.c.size)
    .join(held_chunks, held_chunks.c.id == manifest_chunks.c.chunk_id)
    .where(manifest_chunks.c.manifest_id == bindparam("of_manifest")),
)
_COOL = update(manifests).where(manifests.c.id == bindparam("of_manifest")).values(tier=Tier.COLD)
_LEAVE = delete(manifest_chunks).where(manifest_chunks.c.manifest_id == bindparam("of_manifest"))


@dataclass(frozen=True, slots=True)
class CoolingManifest:
    """A manifest whose chunks belong into the cold tier, and are at hand.

    Attributes:
        bytes: of its different chunks.
    """

    id: int
    project: str
    digest: Digest
    bytes: int


class ColdStore:
    """The cold tier on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def cooling(self, policy: Policy, *, after: int, limit: int) -> list[CoolingManifest]:
        """Manifests that are to move into the cold tier, by key, after one."""
        size = (
            select(func.coalesce(func.sum(held_chunks.c.size), 0))
            .join(manifest_chunks, manifest_chunks.c.chunk_id == held_chunks.c.id)
            .where(manifest_chunks.c.manifest_id == manifests.c.id)
            .correlate(manifests)
            .scalar_subquery()
        )
        statement = (
            select(manifests.c.id, projects.c.name, manifests.c.digest, size.label("bytes"))
            .join(projects, projects.c.id == manifests.c.project_id)
            .where(manifests.c.id > after, cooling(policy))
            .order_by(manifests.c.id)
            .limit(limit)
        )
        return [
            CoolingManifest(row.id, row.name, Digest(row.digest), int(row.bytes))
            for row in self._connection.execute(statement)
        ]

    def cool(
        self, manifest_id: int, chunks: Iterable[Digest], policy: Policy, *, chunk_map: Digest, epoch: int
    ) -> bool:
        """Say that a manifest has its chunks in the cold tier, unless they do not belong there any more.

        Within :meth:`CollectionStore.decide`.

        Args:
            chunks: its different chunks, which the cold tier was seen to have.
            chunk_map: the map that told which they are.
            epoch: of collection, from before they were seen.

        Returns:
            Whether it was said.

        Raises:
            CollectedMeanwhile: if one of the blobs may have been removed since.
        """
        CollectionStore(self._connection).claim(Shelf.COLD, chunks, epoch=epoch)
        still = select(manifests.c.id).where(
            manifests.c.id == manifest_id, manifests.c.chunk_map_digest == chunk_map.text, cooling(policy)
        )
        if self._connection.execute(still).first() is None:
            return False
        mine = {"of_manifest": manifest_id}
        for statement in (_ENTER, _LEAVE, _COOL):
            self._connection.execute(statement, mine)
        return True
