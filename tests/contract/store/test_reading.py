"""Reading: one consistent snapshot that cannot write."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from muniment_core.db.database import Database, UnusableDatabaseUrl
from muniment_core.db.ledger_store import EntryQuery
from muniment_core.db.tables import projects
from muniment_core.db.unit_of_work import Reader
from muniment_core.db.writer import Change, Writer
from muniment_core.domain.errors import ProjectNotFound
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

Make = Callable[..., Change[str]]
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_a_reader_sees_nothing_that_commits_after_it_began(
    database: Database, writer: Writer, create_project: Make
) -> None:
    writer.start()
    writer.submit(create_project("before")).result(30)
    with database.reading() as connection:
        reader = Reader(connection, NOW)
        assert reader.ledger.size() == 1
        writer.submit(create_project("meanwhile")).result(30)
        assert reader.ledger.size() == 1
        assert len(reader.ledger.after(0, EntryQuery(), limit=10)) == 1
        with pytest.raises(ProjectNotFound):
            reader.projects.require("meanwhile")
    with database.reading() as connection:
        assert Reader(connection, NOW).projects.require("meanwhile").name == "meanwhile"


def test_a_reader_cannot_write(database: Database, writer: Writer, create_project: Make) -> None:
    writer.start()
    writer.submit(create_project("a")).result(30)
    with pytest.raises(DBAPIError), database.reading() as connection:
        connection.execute(delete(projects))
    with database.reading() as connection:
        assert Reader(connection, NOW).projects.require("a").name == "a"


def test_a_reader_that_fails_leaves_its_connection_usable(database: Database) -> None:
    for _ in range(20):
        with pytest.raises(ProjectNotFound), database.reading() as connection:
            Reader(connection, NOW).projects.require("nowhere")


def test_as_many_as_like_may_read_and_write_at_once(
    database: Database, writer: Writer, create_project: Make
) -> None:
    """Connections stay open after use: nobody may wait for one that only lies there."""
    writer.start()
    together = Barrier(6)

    def read() -> int:
        with database.reading() as connection:
            together.wait(30)
            return Reader(connection, NOW).ledger.size()

    def write(number: int) -> None:
        for turn in range(5):
            mine = f"p-{number}-{turn}"
            writer.submit(create_project(mine)).result(30)
            with database.writing() as connection:
                # A row of its own: whoever changes others' rows too may meet them in another order, and deadlock.
                connection.execute(update(projects).where(projects.c.name == mine).values(description="-"))

    with ThreadPoolExecutor(10) as pool:
        reading = [pool.submit(read) for _ in range(6)]
        writing = [pool.submit(write, number) for number in range(4)]
        assert {future.result(60) for future in reading} <= set(range(21))
        for future in writing:
            future.result(60)
    with database.reading() as connection:
        assert Reader(connection, NOW).ledger.size() == 20


@pytest.mark.parametrize("url", ["mysql://u:secret@h/db", "not an address", "", "postgresql"])
def test_an_address_of_no_supported_database_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(UnusableDatabaseUrl) as caught:
        Database(url)
    assert "secret" not in str(caught.value)
