"""Search over versions and models."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from muniment.registry.session import Session, sendable
from muniment.v1 import metadata_service_pb2 as pb
from muniment.values import Model, Version

_LARGEST_PAGE = 1000


class Searches:
    """The verbs that find versions and models by what is recorded of them."""

    _session: Session

    def search(
        self,
        filter: str = "",
        *,
        order_by: str = "",
        limit: int | None = None,
        show_deleted: bool = False,
    ) -> Iterator[Version]:
        """The versions of the project that a filter finds, the newest first unless ordered otherwise.

        Args:
            filter: for example ``metrics.f1 > 0.9 AND tags.team = "risk" AND stage = "production"``; the language
                is told by ``muniment search --help`` and, in full, on ``SearchVersionsRequest.filter``.
            order_by: fields with commas between, each with an optional ``desc``: ``metrics.f1 desc, create_time``.
            limit: how many at most; None for all.

        Raises:
            InvalidFilter: if the filter or the order cannot be read; its message names the position.
        """
        session = self._session
        request = pb.SearchVersionsRequest(
            parent=session.project.text, page_size=_page_size(limit), show_deleted=show_deleted
        )
        with sendable("filter or order_by"):
            request.filter, request.order_by = filter, order_by
        found = session.calls.pages(session.metadata.SearchVersions, request, "versions")
        return map(Version.of, islice(found, limit if limit is None else max(limit, 0)))

    def search_models(
        self,
        filter: str = "",
        *,
        order_by: str = "",
        limit: int | None = None,
        show_deleted: bool = False,
    ) -> Iterator[Model]:
        """The models of the project that a filter finds, as :meth:`search` finds versions."""
        session = self._session
        request = pb.SearchModelsRequest(
            parent=session.project.text, page_size=_page_size(limit), show_deleted=show_deleted
        )
        with sendable("filter or order_by"):
            request.filter, request.order_by = filter, order_by
        found = session.calls.pages(session.metadata.SearchModels, request, "models")
        return map(Model.of, islice(found, limit if limit is None else max(limit, 0)))


def _page_size(limit: int | None) -> int:
    """As many as are wanted, if one page can hold them; 0 leaves it to the server."""
    return 0 if limit is None else min(max(limit, 1), _LARGEST_PAGE)
