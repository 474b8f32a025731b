"""Connections to PostgreSQL stay open from one use to the next, and nobody gets one that failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime

import psycopg
import pytest
from muniment_core.db.database import Database
from muniment_core.db.ledger_store import LedgerStore
from muniment_core.db.prepared import driver_of
from muniment_core.db.tables import projects
from muniment_core.db.unit_of_work import Reader
from muniment_core.db.writer import Writer
from muniment_core.domain.errors import DatabaseUnavailable, ProjectNotFound
from muniment_core.rpc.execution import Execution
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

Use = Callable[[], AbstractContextManager[Connection]]
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MODES = text("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')")


@pytest.fixture
def replica(migrated_postgres_database: str) -> Iterator[Database]:
    with closing(Database(migrated_postgres_database)) as database:
        yield database


def test_one_connection_serves_reads_one_after_the_other_each_with_a_snapshot_of_its_own(
    replica: Database,
) -> None:
    backends = set()
    for turn in range(3):
        with replica.writing() as connection:
            connection.execute(text("UPDATE ledger_head SET alarm = :why"), {"why": f"turn {turn}"})
        with replica.reading() as connection:
            assert tuple(connection.execute(MODES).one()) == ("repeatable read", "on")
            assert LedgerStore(connection).stored_head().alarm == f"turn {turn}"
            backends.add(backend(connection))
    assert len(backends) == 1


def test_a_connection_that_ended_in_use_is_given_to_nobody(
    replica: Database, migrated_postgres_database: str
) -> None:
    # First one that the driver alone hears of, then one that SQLAlchemy does.
    reads: tuple[Callable[[Connection], object], ...] = (
        lambda connection: LedgerStore(connection).size(),
        lambda connection: connection.execute(projects.select()),
    )
    ended = []

    def lose(use: Use, read: Callable[[Connection], object]) -> None:
        with use() as connection:
            read(connection)
            ended.append(backend(connection))
            with psycopg.connect(migrated_postgres_database, autocommit=True) as operator:
                operator.execute("SELECT pg_terminate_backend(%s, 10000)", (ended[-1],))
            read(connection)

    for use in (replica.reading, replica.writing):
        for read in reads:
            with pytest.raises((psycopg.Error, DBAPIError)):
                lose(use, read)
            with use() as connection:
                assert LedgerStore(connection).size() == 0
                assert backend(connection) not in ended


def test_a_use_case_that_fails_costs_no_connection(replica: Database) -> None:
    backends = set()

    def fail() -> None:
        with replica.reading() as connection:
            backends.add(backend(connection))
            Reader(connection, NOW).projects.require("nowhere")

    for _ in range(3):
        with pytest.raises(ProjectNotFound):
            fail()
    assert len(backends) == 1


async def test_an_answer_whose_transaction_cannot_end_is_given_and_the_loss_is_logged(
    replica: Database, migrated_postgres_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    execution = Execution(replica, Writer(replica, lambda: NOW, on_commit=lambda _entries: None), lambda: NOW)

    def read_and_lose(reader: Reader) -> int:
        size = reader.ledger.size()
        with psycopg.connect(migrated_postgres_database, autocommit=True) as operator:
            operator.execute("SELECT pg_terminate_backend(%s, 10000)", (backend(reader.connection),))
        return size

    assert await execution.read(read_and_lose) == 0
    assert await execution.read(lambda reader: reader.ledger.size()) == 0
    execution.close()  # which waits for what its threads still do
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert warning.exc_info is not None
    assert isinstance(warning.exc_info[1], DatabaseUnavailable)
    assert "terminat" in str(warning.exc_info[1].__cause__)


def backend(connection: Connection) -> int:
    """The server's process of a connection."""
    return int(driver_of(connection).info.backend_pid)
