"""What may read much runs on threads for that: neither the event loop nor short reads wait for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from muniment.v1 import ledger_service_pb2 as pb
from muniment_core.db.database import Database
from muniment_core.db.unit_of_work import Reader
from muniment_core.db.writer import Change, Writer
from muniment_core.domain.errors import QueryTooLong
from muniment_core.rpc import execution as rpc_execution
from muniment_core.rpc.execution import QUERY_THREADS, Execution
from muniment_core.rpc.paging import PageTokens
from muniment_metadata.ledger_servicer import LedgerServicer
from muniment_metadata.predictions.answers import Predictions
from sqlalchemy import event
from sqlalchemy.engine import Engine

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PARENT = "projects/p"
DATASET = f"sha256:{'d' * 64}"


@pytest.fixture
def execution(database: Database, writer: Writer) -> Iterator[Execution]:
    made = Execution(database, writer, lambda: NOW)
    yield made
    made.close()


@pytest.fixture
def servicer(
    database: Database, writer: Writer, create_project: Callable[..., Change[str]]
) -> Iterator[LedgerServicer]:
    """Over a registry with a project `p`."""
    writer.start()
    writer.submit(create_project("p")).result()
    execution, pages = Execution(database, writer, lambda: NOW), PageTokens(bytes(32))
    bodies: Any = None  # no prediction was recorded
    yield LedgerServicer(execution, pages, Predictions(execution, pages, bodies))
    execution.close()


@pytest.fixture
def readers() -> Iterator[Callable[[str], set[str]]]:
    """Names of the threads that read from a table: `readers("ledger_entries")`."""
    seen: list[tuple[str, str]] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append((threading.current_thread().name, statement))

    event.listen(Engine, "before_cursor_execute", note)
    yield lambda table: {
        name.rpartition("_")[0] or name for name, statement in seen if f"FROM {table}" in statement
    }
    event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    "condition",
    [
        {"filter": pb.EntryFilter(types=["stage.*"])},
        {"filter": pb.EntryFilter(stage="production")},
        {"filter": pb.EntryFilter(model="m", actor="ann")},
        {"start_time": NOW},
        {"end_time": NOW, "newest_first": True},
    ],
    ids=str,
)
async def test_entries_that_a_filter_looks_for_are_read_beside_the_event_loop(
    servicer: LedgerServicer, readers: Callable[[str], set[str]], condition: dict[str, Any]
) -> None:
    await servicer.ListEntries(pb.ListEntriesRequest(parent=PARENT, **condition), None)
    assert readers("ledger_entries") == {"muniment-query"}


async def test_entries_as_they_follow_each_other_are_a_short_read(
    servicer: LedgerServicer, readers: Callable[[str], set[str]], database: Database
) -> None:
    listed = await servicer.ListEntries(pb.ListEntriesRequest(parent=PARENT), None)
    assert [entry.type for entry in listed.entries] == ["project.created"]
    assert readers("ledger_entries") == {"MainThread" if database.is_sqlite else "muniment-read"}


async def test_predictions_are_listed_and_counted_beside_the_event_loop(
    servicer: LedgerServicer, readers: Callable[[str], set[str]]
) -> None:
    listing = pb.ListPredictionsRequest(parent=PARENT, dataset_digest=DATASET, start_time=NOW)
    assert not (await servicer.ListPredictions(listing, None)).predictions
    counting = pb.CountPredictionsRequest(parent=PARENT, dataset_digest=DATASET, start_time=NOW)
    assert (await servicer.CountPredictions(counting, None)).count == 0
    assert readers("prediction_shares") == {"muniment-query"}


ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def count_for_ever(reader: Reader) -> object:
    if reader.connection.dialect.name == "postgresql":
        reader.connection.exec_driver_sql("SET LOCAL statement_timeout = '300ms'")
    return reader.connection.exec_driver_sql(ENDLESS).scalar()


def count_to_one(reader: Reader) -> object:
    return reader.connection.exec_driver_sql("SELECT 1").scalar()


async def test_a_question_that_takes_too_long_is_refused_and_the_next_is_answered(
    execution: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_execution, "QUERY_SECONDS", 0.3)
    for _ in range(2 * QUERY_THREADS):
        with pytest.raises(QueryTooLong):
            await execution.query(count_for_ever)
        assert await execution.query(count_to_one) == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # PostgreSQL ends it after its time
async def test_a_question_that_nobody_waits_for_any_more_leaves_its_thread(execution: Execution) -> None:
    for _ in range(2):
        asked = [asyncio.create_task(execution.query(count_for_ever)) for _ in range(QUERY_THREADS)]
        await asyncio.sleep(0.1)
        for question in asked:
            question.cancel()
        async with asyncio.timeout(30):
            assert await execution.query(count_to_one) == 1
