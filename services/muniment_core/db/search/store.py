"""Search as use cases see it: queries in, records with their places out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from muniment.names import Selector, VersionName, VersionSelector
from sqlalchemy import Connection

from muniment_core.db.model_store import ModelStore
from muniment_core.db.search.search import Place, Search
from muniment_core.db.search.shapes import VersionRef
from muniment_core.db.search.subjects import MODELS, VERSIONS
from muniment_core.db.version_store import VersionStore
from muniment_core.domain.catalog import ModelRecord
from muniment_core.domain.errors import ModelNotFound
from muniment_core.domain.search import Query, conditions_of

Position = list[Any]
"""A place as a JSON value, for a page token."""


@dataclass(frozen=True, slots=True)
class VersionHit:
    """A version that was found.

    Attributes:
        id: its key.
        model_revision: newest ledger entry that names its model.
        position: its place in the order.
    """

    id: int
    number: int
    model_id: int
    model_revision: int
    position: Position


class SearchStore:
    """Search on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def versions(
        self,
        project_id: int,
        query: Query,
        *,
        after: Position | None,
        limit: int,
        visible: Sequence[VersionRef],
    ) -> list[VersionHit]:
        """Versions of a project in the order asked for.

        Args:
            after: the place to go on after; None for the first page.
            visible: versions that the query names and that the caller may know of.
        """
        known = {name: found for name in visible if (found := self._find(name)) is not None}
        search = Search(self._connection, VERSIONS, query, project_id=project_id, versions=known)
        hits = []
        for place in search.page(_place(after), limit):
            number, model_id, model_revision = place.told
            hits.append(VersionHit(place.id, number, model_id, model_revision, _position(place)))
        return hits

    def models(
        self, project_id: int, query: Query, *, after: Position | None, limit: int
    ) -> list[tuple[ModelRecord, Position]]:
        """Models, as :meth:`versions`; as :meth:`ModelStore.page`, not more than are needed."""
        search = Search(self._connection, MODELS, query, project_id=project_id)
        places = search.page(_place(after), limit)
        records = ModelStore(self._connection).with_ids([place.id for place in places])
        return list(zip(records, map(_position, places), strict=False))

    def _find(self, name: VersionRef) -> int | None:
        """The key of the version that is named, or None."""
        versions = VersionStore(self._connection)
        if isinstance(name, Selector):
            selector = VersionSelector.parse(name.selector)
            if selector.number is None:
                try:
                    model_id = ModelStore(self._connection).id_of(name.of_model)
                except ModelNotFound:
                    return None
                pointer = selector.pointer
                found = (
                    versions.pointed_to(model_id, pointer) if pointer else versions.find(model_id, selector)
                )
                return found.id if found else None
            name = name.of_model.version(selector.number)
        records = versions.get_all([name])
        return records[0].id if records else None


def named_versions(query: Query) -> list[VersionRef]:
    """The versions that a query names."""
    named = (condition.value for condition in conditions_of(query.where))
    return [value for value in named if isinstance(value, Selector | VersionName)]


def _place(position: Position | None) -> Place | None:
    if position is None:
        return None
    run, keys, row_id = position
    return Place(run, tuple(keys), row_id)


def _position(place: Place) -> Position:
    return [place.run, list(place.keys), place.id]
