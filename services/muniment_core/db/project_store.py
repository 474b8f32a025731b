"""Projects and their stages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from muniment_core.db.tables import project_stages, projects
from muniment_core.domain.errors import NameTaken, ProjectNotFound

DEFAULT_STAGES = ("staging", "production")

_BY_NAME = select(projects)
_STAGES = select(project_stages.c.name).order_by(project_stages.c.position)


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

    def require(self, name: str) -> ProjectRecord:
        """The project of this name.

        Raises:
            ProjectNotFound: if there is none.
        """
        row = self._connection.execute(_BY_NAME.where(projects.c.name == name)).one_or_none()
        if row is None:
            raise ProjectNotFound(name)
        return self._record(row)

    def name_of(self, project_id: int) -> str:
        """The name of a project that exists."""
        name = select(projects.c.name).where(projects.c.id == project_id)
        return str(self._connection.execute(name).scalar_one())

    def page(self, *, after: str | None, limit: int, only: frozenset[str] | None) -> list[ProjectRecord]:
        """Projects ordered by name, after one; ``only`` these, or all."""
        statement = _BY_NAME.order_by(projects.c.name).limit(limit)
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

    def _record(self, row: Row[Any]) -> ProjectRecord:
        stages = (
            self._connection.execute(_STAGES.where(project_stages.c.project_id == row.id)).scalars().all()
        )
        return ProjectRecord(row.id, row.name, row.description, tuple(stages), row.create_time, row.revision)
