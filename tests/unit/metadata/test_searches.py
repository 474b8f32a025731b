"""What is costly about a search is done beside the event loop, which answers everybody else meanwhile."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from muniment.v1 import metadata_service_pb2 as pb
from muniment_core.db.database import Database
from muniment_core.domain.errors import InvalidFilter
from muniment_core.rpc.execution import Execution
from muniment_core.rpc.paging import PageTokens
from muniment_metadata.search import check
from muniment_metadata.servicer import MetadataServicer

UNREADABLE = "a " * 2048


@pytest.fixture
async def servicer(tmp_path: Path) -> AsyncIterator[MetadataServicer]:
    database = Database.embedded(tmp_path)
    nobody: Any = None
    execution = Execution(database, nobody, lambda: datetime.now(UTC))
    yield MetadataServicer(execution, PageTokens(b"key"), artifacts=nobody)
    execution.close()
    database.close()


async def test_filters_are_read_beside_the_event_loop(
    servicer: MetadataServicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers: list[threading.Thread] = []
    parse = check.parse

    def note(text: str) -> object:
        readers.append(threading.current_thread())
        return parse(text)

    monkeypatch.setattr(check, "parse", note)
    for call, message in (
        (servicer.SearchVersions, pb.SearchVersionsRequest),
        (servicer.SearchModels, pb.SearchModelsRequest),
    ):
        with pytest.raises(InvalidFilter):
            await call(message(parent="projects/default", filter=UNREADABLE), None)  # type: ignore[operator]
    assert len(readers) == 2
    assert threading.current_thread() not in readers
