"""Leases of chunks: who is told that a chunk is there counts on it until collection's grace period is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from muniment.digests import Digest
from sqlalchemy import Connection, bindparam, select, update

from muniment_core.db.artifact_tables import held_chunks

_SLICE = 500
_HELD = (
    held_chunks.c.project_id == bindparam("of_project"),
    held_chunks.c.digest.in_(bindparam("digests", expanding=True)),
    held_chunks.c.damage_time.is_(None),
)
_LEASES = select(held_chunks.c.digest, held_chunks.c.size, held_chunks.c.lease_time).where(*_HELD)
_RENEW = update(held_chunks).where(*_HELD).values(lease_time=bindparam("now")).returning(held_chunks.c.digest)


class LeaseStore:
    """Leases of chunks on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def leases(self, project_id: int, digests: Iterable[Digest]) -> dict[Digest, tuple[int, datetime]]:
        """Size, and time of the lease, of those of the chunks that the project holds undamaged."""
        found: dict[Digest, tuple[int, datetime]] = {}
        for texts in _slices([digest.text for digest in digests]):
            rows = self._connection.execute(_LEASES, {"of_project": project_id, "digests": texts})
            found.update((Digest(row.digest), (row.size, row.lease_time)) for row in rows)
        return found

    def renew(self, project_id: int, digests: Iterable[Digest], *, now: datetime) -> set[Digest]:
        """Lease chunks anew; those of them that the project still holds."""
        renewed: set[Digest] = set()
        for texts in _slices([digest.text for digest in digests]):
            rows = self._connection.execute(_RENEW, {"of_project": project_id, "digests": texts, "now": now})
            renewed.update(Digest(text) for text in rows.scalars())
        return renewed


def _slices(texts: Sequence[str]) -> Iterable[Sequence[str]]:
    return (texts[start : start + _SLICE] for start in range(0, len(texts), _SLICE))
