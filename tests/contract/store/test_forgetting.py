"""Answers to requests are remembered for the time that is promised, and go some time after it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from muniment_core.db.database import Database
from muniment_core.db.request_store import RequestKey
from muniment_core.db.tables import requests
from muniment_core.db.unit_of_work import UnitOfWork
from muniment_core.db.writer import Change, Writer
from muniment_core.domain.ledger import EntryDraft, format_time
from muniment_core.domain.limits import ANSWERS_KEPT, ANSWERS_REMEMBERED
from muniment_core.rpc.execution import Execution
from muniment_core.rpc.forgetting import forget_answers, look_after_answers
from muniment_server.fsck.run import Fsck
from sqlalchemy import func, select

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Registry:
    """A writer whose clock stands until it is set, and what it did."""

    def __init__(self, database: Database) -> None:
        self.database, self.now, self.done = database, NOW, []
        self.writer = Writer(database, lambda: self.now, on_commit=lambda _entries: None)
        self.writer.start()
        self.execution = Execution(database, self.writer, lambda: self.now)

    def ask(self, request_id: str) -> bytes:
        """Sends a request; the answer tells how many were carried out by then."""

        def work(unit: UnitOfWork) -> bytes:
            self.done.append(request_id)
            unit.record(EntryDraft(type="test.happened", data={"name": request_id}))
            return str(len(self.done)).encode()

        key = RequestKey("tester", request_id, b"what is asked")
        return self.writer.submit(Change(work, "tester", request=key)).result(30)

    def remembered(self) -> int:
        """How many answers there are."""
        with self.database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(requests)).scalar_one())

    def differences(self) -> list[str]:
        """What a check finds."""
        check = Fsck(
            self.database,
            None,
            remembered_since=self.now - ANSWERS_REMEMBERED,
            progress=lambda _what, _count: None,
        )
        return [difference.line for difference in check.tables()]


@pytest.fixture
def registry(database: Database) -> Iterator[Registry]:
    """An empty registry on each database."""
    made = Registry(database)
    yield made
    made.execution.close()
    made.writer.stop()


async def test_answers_go_only_when_they_are_older_than_what_is_promised(registry: Registry) -> None:
    for day in range(4):
        registry.now = NOW + timedelta(days=day)
        assert registry.ask(f"of day {day}") == str(day + 1).encode()
    registry.now = NOW + ANSWERS_KEPT
    assert await forget_answers(registry.execution) == 0
    registry.now += timedelta(days=1, microseconds=1)
    assert await forget_answers(registry.execution) == 2
    # Within the promise the first answer is given again; afterwards the request is a new one.
    assert registry.ask("of day 2") == b"3"
    assert registry.ask("of day 0") == b"5"
    assert registry.ask("of day 0") == b"5"
    assert registry.done == [f"of day {day}" for day in (0, 1, 2, 3, 0)]
    assert registry.differences() == []


async def test_many_answers_are_forgotten_in_portions_the_oldest_first(registry: Registry) -> None:
    for number in range(7):
        registry.now = NOW + timedelta(seconds=number)
        registry.ask(str(number))
    registry.now = NOW + ANSWERS_KEPT + timedelta(seconds=6)
    assert await forget_answers(registry.execution, rows=3) == 6
    assert registry.remembered() == 1
    assert registry.ask("6") == b"7"
    assert await forget_answers(registry.execution, rows=3) == 0


async def test_a_check_asks_for_the_answers_of_the_promised_time_alone(registry: Registry) -> None:
    registry.ask("old")
    registry.now = NOW + timedelta(days=5)
    registry.ask("young")
    registry.now = NOW + ANSWERS_KEPT
    assert registry.differences() == []
    with registry.database.writing() as connection:
        connection.execute(requests.delete())
    (difference,) = registry.differences()
    assert "revision 2" in difference
    assert format_time(NOW) not in difference


async def test_a_server_forgets_by_itself(registry: Registry) -> None:
    registry.ask("old")
    registry.now = NOW + ANSWERS_KEPT + timedelta(seconds=1)
    task = asyncio.create_task(look_after_answers(registry.execution))
    async with asyncio.timeout(60):
        while registry.remembered():
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
