"""How tables are read for checking: nothing is taken for granted, not even that text is text.

A damaged SQLite file may hold bytes that are no UTF-8 in a column of text, or text in a column of numbers. So
values come as the driver gives them, and bytes that are no text come as surrogates, to be named and not to stop
the check.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Column, Connection, CursorResult, Row, Select, Table, type_coerce
from sqlalchemy.exc import DatabaseError
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

from muniment_core.db.database import Database

T = TypeVar("T")
Plain: TypeAlias = tuple[Any, ...]

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
    except (DatabaseError, sqlite3.DatabaseError) as error:
        cause = _cause(error)
        if isinstance(cause, sqlite3.DatabaseError) and not isinstance(cause, sqlite3.OperationalError):
            raise Unreadable(str(cause)) from error
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


def stream_plain(connection: Connection, statement: Select[Any]) -> Generator[Sequence[Any], None, None]:
    """The same for tables as long as the ledger, and on SQLite as :func:`fetch_plain` gives them."""
    if connection.dialect.name != "sqlite":
        yield from stream(connection, statement)
        return
    with any_text(connection):
        result = connection.execute(statement)
    cursor = _cursor_of(result)
    try:
        while True:
            with any_text(connection):
                rows = cursor.fetchmany(BATCH)
            if not rows:
                return
            yield from rows
    finally:
        result.close()


def fetch(connection: Connection, statement: Select[Any], parameters: dict[str, Any]) -> Sequence[Row[Any]]:
    """All rows of a statement that has few."""
    return _quick_way_first(connection, lambda: connection.execute(statement, parameters).all())


def fetch_plain(connection: Connection, statement: Select[Any], parameters: dict[str, Any]) -> list[Plain]:
    """The same as the driver's tuples, for reading a whole long table batch by batch.

    A row of SQLAlchemy is one more object to be made, and what is more one for the interpreter's collector to go
    through again and again: that took a tenth of a check. Tuples of numbers, text and bytes it forgets.
    """

    def read() -> list[Plain]:
        result = connection.execute(statement, parameters)
        try:
            rows: list[Plain] = _cursor_of(result).fetchall()
        finally:
            result.close()
        return rows

    return _quick_way_first(connection, read)


def _quick_way_first(connection: Connection, read: Callable[[], T]) -> T:
    """Nearly all text is text."""
    try:
        return read()
    except (DatabaseError, sqlite3.OperationalError) as error:
        if not isinstance(_cause(error), sqlite3.OperationalError):
            raise
    with any_text(connection):
        return read()


def _cursor_of(result: CursorResult[Any]) -> Any:
    return result.cursor


def _cause(error: Exception) -> BaseException | None:
    """What the driver raised."""
    return error.orig if isinstance(error, DatabaseError) else error


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
