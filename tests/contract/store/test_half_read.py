"""A row that cannot be read fails its own reading alone."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from muniment_core.db.database import Database
from muniment_core.db.prepared import Prepared
from muniment_core.db.tables import ledger_entries
from muniment_core.db.writer import Writer
from sqlalchemy import select, text

TIMES = Prepared(select(ledger_entries.c.time).order_by(ledger_entries.c.revision))
ACTORS = Prepared(select(ledger_entries.c.actor).order_by(ledger_entries.c.revision))
BEYOND_ALL_TIME = 2**62


def test_after_a_row_that_cannot_be_read_the_next_reading_sees_what_is_there_now(
    database: Database, writer: Writer, create_project: Any
) -> None:
    futures = [writer.submit(create_project(name)) for name in ("one", "two", "three")]
    writer.start()
    for future in futures:
        future.result()
    with database.reading() as connection:
        before = TIMES.all(connection)
    change = text("UPDATE ledger_entries SET time = time + :by WHERE revision = 2")
    with database.writing() as connection:
        connection.execute(change, {"by": BEYOND_ALL_TIME})
    # Whoever reports the error keeps its frames, and what they hold, for a while.
    with pytest.raises(OverflowError) as kept, database.reading() as connection:
        TIMES.all(connection)
    with database.writing() as connection:
        connection.execute(change, {"by": -BEYOND_ALL_TIME})
    with database.reading() as connection:
        assert TIMES.all(connection) == before
    assert kept.value


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_after_bytes_that_are_no_text_the_next_reading_sees_what_is_there_now(
    database: Database, writer: Writer, create_project: Any
) -> None:
    # PostgreSQL keeps no such text.
    futures = [writer.submit(create_project(name)) for name in ("one", "two", "three")]
    writer.start()
    for future in futures:
        future.result()
    change = text("UPDATE ledger_entries SET actor = CAST(:as AS TEXT) WHERE revision = 2")
    with database.reading() as connection:
        before = ACTORS.all(connection)
    with database.writing() as connection:
        connection.execute(change, {"as": b"\xb5"})
    # Here the driver itself stops in the middle of what it reads.
    with pytest.raises(sqlite3.OperationalError, match="decode") as kept, database.reading() as connection:
        ACTORS.all(connection)
    with database.writing() as connection:
        connection.execute(change, {"as": before[1].actor})
    with database.reading() as connection:
        assert ACTORS.all(connection) == before
    assert kept.value
