"""How tables are read for checking: nothing is taken for granted, not even that text is text.

A damaged SQLite file may hold bytes that are no UTF-8 in a column of text, or text in a column of numbers. So
values come as the driver gives them, and bytes that are no text come as surrogates, to be named and not to stop
the check.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, Table, type_coerce
from sqlalchemy.exc import DatabaseError
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

from muniment_core.db.database import Database

BATCH = 2_000
"""Rows that are in memory at once; of the ledger's at most 64 KiB each, and mostly less than 1 KiB."""


class Unreadable(RuntimeError):
    """The database file itself is damaged so that it cannot be read on."""


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """A connection that sees one state of the database for as long as the check takes."""
    with database.reading() as connection:
        if not database.is_sqlite:
            # A check of a large registry takes longer than any call of a server may.
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield connection


@contextmanager
def damage_told() -> Iterator[None]:
    """Tells a damaged file from a database that is away.

    Raises:
        Unreadable: if the file is damaged beyond its rows.
    """
    try:
        yield
    except DatabaseError as error:
        if isinstance(error.orig, sqlite3.DatabaseError) and not isinstance(
            error.orig, sqlite3.OperationalError
        ):
            raise Unreadable(str(error.orig)) from error
        raise


def raw(column: Column[Any] | ColumnElement[Any]) -> ColumnElement[Any]:
    """A column whose values come as the driver gives them."""
    return type_coerce(column, NullType()).label(getattr(column, "name", None))


def raw_columns(table: Table) -> list[ColumnElement[Any]]:
    """Every column of a table, raw."""
    return [raw(column) for column in table.c]


def stream(connection: Connection, statement: Select[Any]) -> Generator[Row[Any], None, None]:
    """The rows of a statement, a batch at a time; several streams may be read side by side.

    Close one that is not read to its end.
    """
    with any_text(connection):
        result = connection.execute(statement.execution_options(yield_per=BATCH))
    try:
        while True:
            with any_text(connection):
                rows = result.fetchmany(BATCH)
            if not rows:
                return
            yield from rows
    finally:
        result.close()


def fetch(connection: Connection, statement: Select[Any], parameters: dict[str, Any]) -> Sequence[Row[Any]]:
    """All rows of a statement that has few; the quick way first, for nearly all text is text."""
    try:
        return connection.execute(statement, parameters).all()
    except DatabaseError as error:
        if not isinstance(error.orig, sqlite3.OperationalError):
            raise
    with any_text(connection):
        return connection.execute(statement, parameters).all()


@contextmanager
def any_text(connection: Connection) -> Iterator[None]:
    """Read bytes that are no UTF-8 as text with surrogates. PostgreSQL never stores such bytes as text."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    driver.text_factory = _lenient
    try:
        yield
    finally:
        driver.text_factory = str


def _lenient(data: bytes) -> str:
    return data.decode(errors="surrogateescape")
