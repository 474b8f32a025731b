"""Use cases of search."""

from __future__ import annotations

from dataclasses import dataclass

from muniment_core.db.search.store import Position, VersionHit, named_versions
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.access import Permission, Principal
from muniment_core.domain.catalog import ModelRecord
from muniment_core.domain.search import Query

from muniment_metadata.search.check import model_filter, version_filter
from muniment_metadata.search.order import model_order, version_order


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as it was written. Reading a long filter takes 20 ms, which is no work for the event loop."""

    where: str
    order_by: str
    deleted: bool


def search_versions(
    reader: Reader,
    project: str,
    asked: Asked,
    *,
    principal: Principal,
    after: Position | None,
    limit: int,
) -> list[VersionHit]:
    """Versions of a project in the order asked for.

    Raises:
        InvalidFilter: if the filter or the order cannot be read.
        ProjectNotFound: if the project does not exist.
    """
    query = Query(version_filter(asked.where, project), version_order(asked.order_by), asked.deleted)
    project_id = reader.projects.id_of(project)
    # A version of a project the caller may not see is like one that does not exist: nothing descends from it.
    visible = [
        name for name in named_versions(query) if principal.holds(Permission.CATALOG_READ, name.project)
    ]
    return reader.search.versions(project_id, query, after=after, limit=limit, visible=visible)


def search_models(
    reader: Reader, project: str, asked: Asked, *, after: Position | None, limit: int
) -> list[tuple[ModelRecord, Position]]:
    """Models of a project in the order asked for, each with its place in it; raises as :func:`search_versions`."""
    query = Query(model_filter(asked.where), model_order(asked.order_by), asked.deleted)
    return reader.search.models(reader.projects.id_of(project), query, after=after, limit=limit)
