"""Use cases on projects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from muniment_core.db.project_store import ProjectRecord
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.access import Permission, Principal
from muniment_core.domain.catalog import labels_digest
from muniment_core.domain.errors import ModelNotFound, VersionNotFound
from muniment_core.domain.ledger import EntryDraft


def create_project(unit: UnitOfWork, name: str, description: str) -> ProjectRecord:
    """Create a project with the default stages.

    Raises:
        NameTaken: if the name is used, in whatever case.
    """
    project = unit.projects.create(name, description=description, now=unit.now, revision=unit.revision)
    unit.record(
        EntryDraft(
            type="project.created",
            project=name,
            data={"stages": list(project.stages), "labels": labels_digest(description, {})},
        )
    )
    return project


def visible_projects(
    reader: Reader, principal: Principal, *, after: str | None, limit: int
) -> list[ProjectRecord]:
    """The projects in which the caller may see anything, ordered by name."""
    everywhere = principal.holds(Permission.PROJECT_READ, None)
    return reader.projects.page(
        after=after, limit=limit, only=None if everywhere else frozenset(principal.roles)
    )


@contextmanager
def told_of_project(reader: Reader, project: str) -> Iterator[None]:
    """Tells that a project does not exist where something in it was not found for that.

    Whoever has a role on the instance passes the check of permission for any project, so that a wrong project
    shows only here. It is looked for after the failure: what exists is found without another read.
    """
    try:
        yield
    except (ModelNotFound, VersionNotFound):
        reader.projects.require(project)
        raise
