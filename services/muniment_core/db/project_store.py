"""Projects and their stages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from muniment_core.db.prepared import Prepared
from muniment_core.db.tables import project_stages, projects
from muniment_core.domain.errors import NameTaken, ProjectNotFound

DEFAULT_STAGES = ("staging", "production")

_PROJECTS = select(projects)
_BY_NAME = Prepared(_PROJECTS.where(projects.c.name == bindparam("named")))
_STAGES = Prepared(
    select(project_stages.c.name)
    .where(project_stages.c.project_id == bindparam("project"))
    .order_by(project_stages.c.position)
)


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """A project.

    Attributes:
        id: its key in the database.
        stages: names of its stages, in promotion order.
        revision: ledger revision of its last change.
    """

    id: int
    name: str
    description: str
    stages: tuple[str, ...]
    create_time: datetime
    revision: int


class ProjectStore:
    """Projects on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def id_of(self, name: str) -> int:
        """The key of the project of this name, for those who only read.

        Projects stay, so each connection asks once. What a change sees could be rolled back: it asks for itself.

        Raises:
            ProjectNotFound: if there is none.
        """
        # Of this very connection: another one may be to a database that was put back to an older state.
        known: dict[str, int] = self._connection.info.setdefault("keys of projects", {})
        found = known.get(name)
        if found is None:
            row = _BY_NAME.first(self._connection, named=name)
            if row is None:
                raise ProjectNotFound(name)
            found = known[name] = int(row.id)
        return found

    def require(self, name: str) -> ProjectRecord:
        """The project of this name.

        Raises:
            ProjectNotFound: if there is none.
        """
        row = _BY_NAME.first(self._connection, named=name)
        if row is None:
            raise ProjectNotFound(name)
        return self._record(row)

    def name_of(self, project_id: int) -> str:
        """The name of a project that exists."""
        name = select(projects.c.name).where(projects.c.id == project_id)
        return str(self._connection.execute(name).scalar_one())

    def page(self, *, after: str | None, limit: int, only: frozenset[str] | None) -> list[ProjectRecord]:
        """Projects ordered by name, after one; ``only`` these, or all."""
        statement = _PROJECTS.order_by(projects.c.name).limit(limit)
        if after is not None:
            statement = statement.where(projects.c.name > after)
        if only is not None:
            statement = statement.where(projects.c.name.in_(sorted(only)))
        return [self._record(row) for row in self._connection.execute(statement).all()]

    def create(
        self,
        name: str,
        *,
        description: str,
        now: datetime,
        revision: int,
        stages: tuple[str, ...] = DEFAULT_STAGES,
    ) -> ProjectRecord:
        """Create a project.

        Raises:
            NameTaken: if the name is used, in whatever case.
        """
        taken = self._connection.execute(
            select(projects.c.name).where(projects.c.folded_name == name.lower())
        ).scalar_one_or_none()
        if taken is not None:
            raise NameTaken(name, taken)
        project_id = self._connection.execute(
            insert(projects)
            .values(
                name=name,
                folded_name=name.lower(),
                description=description,
                create_time=now,
                revision=revision,
            )
            .returning(projects.c.id)
        ).scalar_one()
        self._connection.execute(
            insert(project_stages),
            [
                {"project_id": project_id, "position": position, "name": stage}
                for position, stage in enumerate(stages)
            ],
        )
        return ProjectRecord(project_id, name, description, stages, now, revision)

    def _record(self, row: Any) -> ProjectRecord:
        stages = tuple(stage.name for stage in _STAGES.all(self._connection, project=row.id))
        return ProjectRecord(row.id, row.name, row.description, stages, row.create_time, row.revision)
