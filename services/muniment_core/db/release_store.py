"""Gives up rows of manifests and chunks that nothing needs, a limited number at a time.

Candidates are found by reading; whether they may really go is judged once more in the transaction that lets them
go, which :meth:`muniment_core.db.collection_store.CollectionStore.decide` began.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, or_, select, update

from muniment_core.db.artifact_tables import cold_chunks, held_chunks, manifest_chunks, manifests
from muniment_core.db.id_list import among
from muniment_core.db.needs import forgotten, given_up, unreferenced
from muniment_core.domain.tiers import Policy, Tier

MOST_CHUNK_ROWS = 100_000
"""Which a database removes in a second or two, while nobody else writes."""
LEAST_CHUNK_BYTES = 1024 * 1024
"""Of a large file, on average, as clients cut it."""


class ReleaseStore:
    """What may go, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def leaving_manifests(self, policy: Policy, *, after: int = 0, limit: int) -> list[int]:
        """Keys of manifests that nothing needs, in order, after one.

        Those of large versions are fewer: letting one go removes a row for each of its chunks.
        """
        statement = _page(manifests.c.id, or_(forgotten(policy), given_up(policy)), after=after, limit=limit)
        told = statement.add_columns(manifests.c.size_bytes, manifests.c.file_count)
        ids: list[int] = []
        rows = 0
        for manifest_id, size, files in self._connection.execute(told):
            rows += files + size // LEAST_CHUNK_BYTES
            if ids and rows > MOST_CHUNK_ROWS:
                break
            ids.append(manifest_id)
        return ids

    def unreferenced_chunks(
        self, policy: Policy, *, after: int = 0, limit: int, beforehand: bool = False
    ) -> list[int]:
        """Keys of chunks that nothing needs, in order, after one.

        Args:
            beforehand: as if the manifests that are leaving had left.
        """
        condition = unreferenced(policy, beforehand=beforehand)
        statement = _page(held_chunks.c.id, condition, after=after, limit=limit)
        return list(self._connection.execute(statement).scalars())

    def release_manifests(self, ids: Sequence[int], policy: Policy) -> int:
        """Let manifests go: wholly those that never became a version, of others their chunks. How many."""
        mine = {"ids": list(ids)}
        listed = among(manifests.c.id, "ids")
        never = select(manifests.c.id).where(listed, forgotten(policy))
        once = select(manifests.c.id).where(listed, given_up(policy))
        unregistered = list(self._connection.execute(never, mine).scalars())
        registered = list(self._connection.execute(once, mine).scalars())
        both = {"ids": unregistered + registered}
        self._connection.execute(
            delete(manifest_chunks).where(among(manifest_chunks.c.manifest_id, "ids")), both
        )
        self._connection.execute(delete(cold_chunks).where(among(cold_chunks.c.manifest_id, "ids")), both)
        self._connection.execute(delete(manifests).where(listed), {"ids": unregistered})
        self._connection.execute(update(manifests).where(listed).values(tier=Tier.GONE), {"ids": registered})
        return len(both["ids"])

    def release_chunks(self, ids: Sequence[int], policy: Policy) -> int:
        """Let projects hold chunks no longer. How many."""
        statement = delete(held_chunks).where(among(held_chunks.c.id, "ids"), unreferenced(policy))
        return self._connection.execute(statement, {"ids": list(ids)}).rowcount


def _page(key: ColumnElement[int], condition: ColumnElement[bool], *, after: int, limit: int) -> Select[Any]:
    return select(key).where(key > after, condition).order_by(key).limit(limit)
