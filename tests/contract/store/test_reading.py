"""Reading: one consistent snapshot that cannot write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from muniment_core.db.database import Database, UnusableDatabaseUrl
from muniment_core.db.ledger_store import EntryQuery
from muniment_core.db.tables import projects
from muniment_core.db.unit_of_work import Reader
from muniment_core.db.writer import Change, Writer
from muniment_core.domain.errors import ProjectNotFound
from sqlalchemy import delete
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


@pytest.mark.parametrize("url", ["mysql://u:secret@h/db", "not an address", "", "postgresql"])
def test_an_address_of_no_supported_database_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(UnusableDatabaseUrl) as caught:
        Database(url)
    assert "secret" not in str(caught.value)
