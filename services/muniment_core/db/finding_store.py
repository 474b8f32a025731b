"""What was found out about the bytes of files, as far as it may be forgotten.

Forgetting needs no lock: whoever misses a row finds out again what it said.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Delete, Table, bindparam, delete, select

from muniment_core.db.artifact_tables import verified_files
from muniment_core.db.inspection_tables import file_inspections

FindingKey = dict[str, object]
"""The primary key of a row, by names of columns."""


def _delete(table: Table) -> Delete:
    return delete(table).where(*(column == bindparam(f"of_{column.name}") for column in table.primary_key))


_FORGET_PROOFS = _delete(verified_files)
_FORGET_INSPECTIONS = _delete(file_inspections)


class FindingStore:
    """Old findings, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def old_proofs(self, before: datetime, *, limit: int) -> list[FindingKey]:
        """Keys of proofs that were noted earlier."""
        statement = select(*verified_files.primary_key).where(verified_files.c.add_time < before).limit(limit)
        return [dict(row) for row in self._connection.execute(statement).mappings()]

    def old_inspections(self, before: datetime, *, but: str, limit: int) -> list[FindingKey]:
        """Keys of inspections that were made earlier, by other rules than these."""
        columns = file_inspections.c
        statement = (
            select(*file_inspections.primary_key)
            .where(columns.inspect_time < before, columns.ruleset != but)
            .limit(limit)
        )
        return [dict(row) for row in self._connection.execute(statement).mappings()]

    def forget_proofs(self, keys: Sequence[FindingKey]) -> None:
        """Forget proofs."""
        self._connection.execute(_FORGET_PROOFS, _bound(keys))

    def forget_inspections(self, keys: Sequence[FindingKey]) -> None:
        """Forget inspections."""
        self._connection.execute(_FORGET_INSPECTIONS, _bound(keys))


def _bound(keys: Sequence[FindingKey]) -> list[dict[str, object]]:
    return [{f"of_{name}": value for name, value in key.items()} for key in keys]
