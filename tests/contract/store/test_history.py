"""Which revision a time means, whatever the clocks of the writers did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from muniment_core.db.database import Database
from muniment_core.db.history_store import HistoryStore
from muniment_core.db.writer import Change, Writer

SECOND = timedelta(seconds=1)


@pytest.fixture
def write_at(database: Database, create_project: Callable[..., Change[str]]) -> Callable[..., datetime]:
    """Writes one entry for each of the seconds given, one after the other; returns second 0."""
    start = datetime.fromisoformat("2026-11-23T12:00:00+00:00")

    def write(*seconds: float) -> datetime:
        times = iter([start + second * SECOND for second in seconds])
        for index in range(len(seconds)):
            writer = Writer(database, lambda: next(times), on_commit=lambda _entries: None)
            written = writer.submit(create_project(f"p{index}"))
            writer.start()
            assert written.result(timeout=60)
            writer.stop()
        return start

    return write


@pytest.fixture
def revision_at(database: Database) -> Callable[[datetime], int]:
    def ask(time: datetime) -> int:
        with database.reading() as connection:
            return HistoryStore(connection).revision_at(time)

    return ask


def test_a_time_means_the_last_entry_that_is_not_later(
    write_at: Callable[..., datetime], revision_at: Callable[[datetime], int]
) -> None:
    start = write_at(10, 20, 20, 30)
    assert [revision_at(start + second * SECOND) for second in (0, 9.999999, 10, 15, 20, 25, 30, 99)] == [
        *(0, 0, 1, 1, 3, 3, 4, 4)
    ]


def test_clocks_that_differ_leave_the_order_to_the_ledger(
    write_at: Callable[..., datetime], revision_at: Callable[[datetime], int]
) -> None:
    # Two writers take turns, one of them three seconds ahead: nothing it wrote is passed over.
    start = write_at(10, 14, 12, 16, 14, 18, 16, 20)
    assert [revision_at(start + second * SECOND) for second in (10, 12, 14, 15, 16, 18, 20)] == [
        *(1, 1, 3, 3, 5, 7, 8)
    ]


def test_a_later_time_never_means_an_earlier_revision(
    write_at: Callable[..., datetime], revision_at: Callable[[datetime], int]
) -> None:
    start = write_at(5, 1, 9, 2, 8, 8, 3, 7)
    found = [revision_at(start + second * SECOND) for second in range(11)]
    assert found == sorted(found)
    assert found[-1] == 8


def test_an_empty_ledger_has_no_revision(database: Database, revision_at: Callable[[datetime], int]) -> None:
    assert revision_at(datetime.fromisoformat("2026-11-23T12:00:00+00:00")) == 0
