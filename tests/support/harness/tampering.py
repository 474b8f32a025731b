"""Changes single values behind the registry's back, and puts them back.

`Tampering` works on both databases, past every foreign key, with a connection of its own.
"""

from __future__ import annotations

import math
import random
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

Connection = Any


class Unchangeable(Exception):
    """The database refuses every change of this value that was tried."""


class Tampering:
    """Direct access to the rows of a database.

    Attributes:
        execute: runs a statement with `?` for each parameter and returns its rows, if it has any.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_sqlite = isinstance(connection, sqlite3.Connection)

    def execute(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        if not self._is_sqlite:
            statement = statement.replace("?", "%s")
        cursor = self._connection.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []

    def columns(self, table: str) -> list[str]:
        """Names of a table's columns."""
        return [row[0] for row in self._connection.execute(f'SELECT * FROM "{table}" LIMIT 0').description]

    def rows(self, table: str) -> list[Any]:
        """What stands for each row of a table; good until the row is changed."""
        return self.execute(f'SELECT {self._key(table)} FROM "{table}"')

    def values(self, table: str, row: Any) -> dict[str, Any]:
        """A row by column."""
        [found] = self.execute(f'SELECT * FROM "{table}" WHERE {self._where(table, row)}', *row)
        return dict(zip(self.columns(table), found, strict=True))

    def _key(self, table: str) -> str:
        """What tells a row of a table from others: where it is, or its key where it has no place."""
        if not self._is_sqlite:
            return "ctid"
        try:
            self.execute(f'SELECT rowid FROM "{table}" LIMIT 0')
            return "rowid"
        except sqlite3.OperationalError:
            columns = self.execute(f'PRAGMA table_info("{table}")')
            return ", ".join(row[1] for row in columns if row[5])

    @contextmanager
    def flipped(self, table: str, column: str, row: Any, dice: random.Random) -> Iterator[tuple[Any, Any]]:
        """One bit of one byte of a value is another one inside; yields the value before and after.

        Raises:
            Unchangeable: if the database refuses whatever is tried.
        """
        before = self._read(table, column, row)
        for _ in range(60):
            after = _flipped(before, dice, small=not self._is_sqlite)
            try:
                moved = self._write(table, column, row, after)
            except (sqlite3.IntegrityError, psycopg.Error):
                continue
            break
        else:
            raise Unchangeable(f"{table}.{column} of {before!r}")
        try:
            yield before, after
        finally:
            self._write(table, column, moved, before)

    def _read(self, table: str, column: str, row: Any) -> Any:
        [(value,)] = self.execute(f'SELECT "{column}" FROM "{table}" WHERE {self._where(table, row)}', *row)
        return value

    def _write(self, table: str, column: str, row: Any, value: Any) -> Any:
        # SQLite keeps bytes as text when told so, also when they are none.
        is_bytes_of_text = self._is_sqlite and isinstance(value, _TextBytes)
        place = "CAST(? AS TEXT)" if is_bytes_of_text else "?"
        if isinstance(value, _TextBytes):
            value = bytes(value) if is_bytes_of_text else value.decode()
        [moved] = self.execute(
            f'UPDATE "{table}" SET "{column}" = {place} WHERE {self._where(table, row)} '
            f"RETURNING {self._key(table)}",
            value,
            *row,
        )
        return moved

    def _where(self, table: str, row: tuple[Any, ...]) -> str:
        key = self._key(table)
        return f"({key}) = ({', '.join('?' * len(row))})" if len(row) > 1 else f"{key} = ?"


class _TextBytes(bytes):
    """Bytes that go into a column of text."""


def _flipped(value: Any, dice: random.Random, *, small: bool) -> Any:
    if value is None:
        return 1
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        # Columns of 32 bits take no more on PostgreSQL.
        return value ^ 1 << dice.randrange(31 if small else 62)
    if isinstance(value, float):
        while True:
            (other,) = struct.unpack("<d", _bit(struct.pack("<d", value), dice))
            if math.isfinite(other) and other != value:
                return other
    if isinstance(value, str):
        while True:
            data = _TextBytes(_bit(value.encode(), dice))
            if not small or (0 not in data and _is_text(data)):
                return data
    return _bit(bytes(value), dice)


def _bit(data: bytes, dice: random.Random) -> bytes:
    if not data:
        return b"x"
    changed = bytearray(data)
    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@contextmanager
def tampering_with(data: Path, database: str = "") -> Iterator[Tampering]:
    """Opens a registry's database: PostgreSQL by its address, or SQLite in the data directory."""
    if database:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            yield Tampering(connection)
        return
    lite = sqlite3.connect(data / "muniment.db", isolation_level=None, timeout=30)
    try:
        lite.text_factory = _leniently
        lite.execute("PRAGMA ignore_check_constraints = ON")
        yield Tampering(lite)
    finally:
        lite.close()


def _leniently(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def sampled(rows: list[Any], count: int, dice: random.Random) -> list[Any]:
    """So many rows, each at most once more than another."""
    return [*rows * (count // len(rows)), *dice.sample(rows, count % len(rows))]


Names = Callable[[str], bool]
