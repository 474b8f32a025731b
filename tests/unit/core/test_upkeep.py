"""What a server does beside its calls goes on, whatever goes wrong once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from harness.processes import ProcessRunner
from muniment_core.db.database import Database
from muniment_core.domain.errors import DatabaseUnavailable
from muniment_core.rpc.execution import Execution
from muniment_core.rpc.periodic import periodically


async def test_what_goes_wrong_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    outcomes: Iterator[BaseException | None] = iter([DatabaseUnavailable(), None, ZeroDivisionError(), None])
    done = asyncio.Event()

    async def work() -> None:
        try:
            outcome = next(outcomes)
        except StopIteration:
            done.set()
            return
        if outcome is not None:
            raise outcome

    task = asyncio.create_task(periodically(work, "counting", every=0.001))
    async with asyncio.timeout(30):
        await done.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    told = [(record.levelname, record.getMessage(), bool(record.exc_info)) for record in caplog.records]
    assert told == [
        ("WARNING", "counting goes on later: the database does not answer: try again", False),
        ("ERROR", "counting failed, and goes on later", True),
    ]


async def test_a_database_that_is_away_while_one_would_be_alone_is_told_as_such(
    processes: ProcessRunner,
) -> None:
    database = Database(f"postgresql://nobody@127.0.0.1:{processes.hold_port()}/nothing")
    nobody: Any = None
    execution = Execution(database, nobody, lambda: datetime.now(UTC))
    with pytest.raises(DatabaseUnavailable):
        async with execution.alone(1):
            raise AssertionError("nobody is alone with a database that is away")
    execution.close()
    database.close()
