"""What was found out about the bytes of files, by project, content and ruleset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from muniment_core.db.inspection_tables import file_inspections

_SLICE = 500
"""As in :mod:`muniment_core.db.artifact_store`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionRow:
    """What was found out about a file.

    Attributes:
        digest: ``sha256:<hex>`` of the file.
        report: all of it, as the artifact service writes it.
    """

    digest: str
    format: str
    verdict: str
    report: bytes
    inspect_time: datetime


_COLUMNS = file_inspections.c
_FOUND = select(
    _COLUMNS.digest, _COLUMNS.format, _COLUMNS.verdict, _COLUMNS.report, _COLUMNS.inspect_time
).where(
    _COLUMNS.project_id == bindparam("project_id"),
    _COLUMNS.ruleset == bindparam("ruleset"),
    _COLUMNS.digest.in_(bindparam("digests", expanding=True)),
)
_KEY = ["project_id", "digest", "ruleset"]
_NEWER = ("format", "verdict", "report", "inspect_time")


def _put(insert: postgresql.Insert | sqlite.Insert) -> postgresql.Insert | sqlite.Insert:
    return insert.on_conflict_do_update(
        index_elements=_KEY, set_={name: insert.excluded[name] for name in _NEWER}
    )


_PUT = {
    "sqlite": _put(sqlite.insert(file_inspections)),
    "postgresql": _put(postgresql.insert(file_inspections)),
}


class InspectionStore:
    """Reads and writes what was found out, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, project_id: int, digests: Iterable[str], *, ruleset: str) -> Iterator[InspectionRow]:
        """What is known of files under a ruleset."""
        remaining = iter(dict.fromkeys(digests))
        while part := list(islice(remaining, _SLICE)):
            rows = self._connection.execute(
                _FOUND, {"project_id": project_id, "digests": part, "ruleset": ruleset}
            )
            for row in rows:
                yield InspectionRow(
                    digest=row.digest,
                    format=row.format,
                    verdict=row.verdict,
                    report=bytes(row.report),
                    inspect_time=row.inspect_time,
                )

    def put(self, project_id: int, rows: Sequence[InspectionRow], *, ruleset: str) -> None:
        """Keep what was found out, in place of what was before."""
        if rows:
            self._connection.execute(
                _PUT[self._connection.dialect.name],
                [{"project_id": project_id, "ruleset": ruleset, **asdict(row)} for row in rows],
            )
