"""Use cases of search."""

from __future__ import annotations

from muniment_core.db.search.store import Position, VersionHit, named_versions
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.access import Permission, Principal
from muniment_core.domain.catalog import ModelRecord
from muniment_core.domain.search import Query


def search_versions(
    reader: Reader,
    project: str,
    query: Query,
    *,
    principal: Principal,
    after: Position | None,
    limit: int,
) -> list[VersionHit]:
    """Versions of a project in the order asked for.

    Raises:
        ProjectNotFound: if the project does not exist.
    """
    project_id = reader.projects.id_of(project)
    # A version of a project the caller may not see is like one that does not exist: nothing descends from it.
    visible = [
        name for name in named_versions(query) if principal.holds(Permission.CATALOG_READ, name.project)
    ]
    return reader.search.versions(project_id, query, after=after, limit=limit, visible=visible)


def search_models(
    reader: Reader, project: str, query: Query, *, after: Position | None, limit: int
) -> list[tuple[ModelRecord, Position]]:
    """Models of a project in the order asked for, each with its place in it.

    Raises:
        ProjectNotFound: if the project does not exist.
    """
    return reader.search.models(reader.projects.id_of(project), query, after=after, limit=limit)
