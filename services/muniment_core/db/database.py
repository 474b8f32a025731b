"""Opening the one SQL database, SQLite or PostgreSQL, so that both behave alike.

SQLite: WAL with ``synchronous=FULL``; one connection writes and checkpoints (releases before 3.51.3 can
corrupt the WAL when two do, see https://sqlite.org/wal.html), readers are ``query_only``. PostgreSQL: reads are
repeatable-read snapshots, writes are read-committed and serialised by the lock on the ledger's head.

Beside them there are look-ups: one statement each, a snapshot by itself, over connections that stay open.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import PoolProxiedConnection

from muniment_core.db.direct import DirectLookUp
from muniment_core.db.engines import READ_POOL_SIZE, WRITE_POOL_SIZE, postgresql_engines, sqlite_engine
from muniment_core.db.integrity import is_infrastructure
from muniment_core.db.kept import KeptConnections
from muniment_core.db.prepared import Prepared, driver_of

_STEPS_BETWEEN_LOOKS = 500_000
"""Of SQLite's virtual machine: some 10 ms."""


class UnusableDatabaseUrl(ValueError):
    """The database address is neither SQLite nor PostgreSQL."""


class Database:
    """The engines of one database.

    Attributes:
        is_sqlite: True for SQLite, False for PostgreSQL.
        openings: how many connections for look-ups were opened so far. A database cannot be put back to an
            older state without ending its connections, so what was known before the last opening may be wrong.
    """

    FILE = "muniment.db"
    """Name of an embedded database in its data directory."""

    def __init__(self, url: str) -> None:
        """Prepare the engines; nothing is opened yet.

        Raises:
            UnusableDatabaseUrl: if the address is not one of a supported database.
        """
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise UnusableDatabaseUrl(
                "the database address cannot be read: write postgresql://… or sqlite:///PATH"
            ) from None
        backend = parsed.get_backend_name()
        if backend not in ("sqlite", "postgresql"):
            raise UnusableDatabaseUrl(
                f"database {backend!r} is not supported: write postgresql://… or sqlite:///PATH"
            )
        self.is_sqlite = backend == "sqlite"
        self.url = parsed
        self.openings = 0
        self._idle: list[PoolProxiedConnection] = []
        self._alone = threading.Lock()
        if self.is_sqlite:
            writing, reading = sqlite_engine(parsed, read_only=False), sqlite_engine(parsed, read_only=True)
            self._looking = reading
            # One connection writes: who comes meanwhile waits for it, however long that takes.
            self._writers = KeptConnections(writing, most=1, patience_seconds=None)
            self._readers = KeptConnections(reading)
        else:
            writing, reading, self._looking = postgresql_engines(parsed)
            self._writers = KeptConnections(writing, most=WRITE_POOL_SIZE)
            self._readers = KeptConnections(reading, most=READ_POOL_SIZE)

    @classmethod
    def embedded(cls, directory: Path) -> Database:
        """The SQLite database of a data directory."""
        return cls(URL.create("sqlite", database=str(directory / cls.FILE)).render_as_string())

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection in a transaction that commits at the end, for the writer, for migrations and for alarms."""
        with self._writers.begun() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one consistent snapshot and cannot write."""
        with self._readers.begun() as connection:
            yield connection

    @contextmanager
    def querying(self, wanted: Callable[[], bool]) -> Iterator[Connection]:
        """The same for a question that may take long.

        Args:
            wanted: whether an answer is still wanted. On SQLite it is asked now and then, and the statement is
                interrupted when it says no; PostgreSQL ends what takes too long by itself.
        """
        with self.reading() as connection:
            if not self.is_sqlite:
                yield connection
                return
            driver: sqlite3.Connection = driver_of(connection)
            driver.set_progress_handler(lambda: not wanted(), _STEPS_BETWEEN_LOOKS)
            try:
                yield connection
            finally:
                driver.set_progress_handler(None, 0)

    @contextmanager
    def alone(self, key: int) -> Iterator[Callable[[], bool] | None]:
        """The right to do something that only one process may do at a time, or None while another one does.

        Yields:
            What tells whether the right still stands: on PostgreSQL it ends with the connection that holds it. One
            process alone uses an embedded database.
        """
        if self.is_sqlite:
            if not self._alone.acquire(blocking=False):
                yield None
                return
            try:
                yield lambda: True
            finally:
                self._alone.release()
            return
        held = self._looking.raw_connection()
        try:
            driver: Any = held.dbapi_connection
            [taken] = driver.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
            try:
                yield partial(_answers, driver) if taken else None
            finally:
                if taken:
                    _give_back(driver, key)
        finally:
            # Closing the connection gives the lock back as well, whatever state it is in.
            held.invalidate()

    def look_up(self, statement: Prepared, **values: Any) -> Any | None:
        """The first row of one statement that reads, or None, as of now.

        It costs a fraction of :meth:`reading`.
        """
        while self._idle:
            try:
                kept = self._idle.pop()
            except IndexError:  # another thread took the last one
                break
            try:
                return self._look_up(kept, statement, values)
            except Exception as error:
                if not is_infrastructure(error):
                    raise
                # The database went away in the meantime, and with it most likely every connection that was kept.
                self._close_idle()
        return self._look_up(self._open(), statement, values)

    def open_direct(self, statement: Prepared) -> DirectLookUp:
        """A connection to PostgreSQL that looks up without a thread that waits for it; its owner closes it."""
        held = self._open()
        try:
            return DirectLookUp(held, self._looking.dialect, statement)
        except BaseException:
            held.invalidate()
            raise

    def _open(self) -> PoolProxiedConnection:
        opened = self._looking.raw_connection()
        self.openings += 1
        return opened

    def _look_up(
        self, kept: PoolProxiedConnection, statement: Prepared, values: dict[str, Any]
    ) -> Any | None:
        try:
            row = statement.first_by_driver(self._looking.dialect, kept.dbapi_connection, values)
        except BaseException as error:
            kept.invalidate(error)
            raise
        self._idle.append(kept)
        return row

    def _close_idle(self) -> None:
        idle, self._idle = self._idle, []
        for kept in idle:
            kept.invalidate()

    def close(self) -> None:
        """Close every connection; readers first, so that the writer makes the last checkpoint."""
        self._close_idle()
        self._readers.close()
        self._looking.dispose()
        self._writers.close()


def _answers(driver: Any) -> bool:
    try:
        driver.execute("SELECT 1")
    except Exception as error:
        if not is_infrastructure(error):
            raise
        return False
    return True


def _give_back(driver: Any, key: int) -> None:
    """Give a lock back at once: the server learns of a connection's end some time after it was closed."""
    try:
        driver.execute("SELECT pg_advisory_unlock(%s)", (key,))
    except Exception as error:
        if not is_infrastructure(error):
            raise
