"""Opening the one SQL database, SQLite or PostgreSQL, so that both behave alike.

SQLite: WAL with ``synchronous=FULL``; one connection writes and checkpoints (releases before 3.51.3 can
corrupt the WAL when two do, see https://sqlite.org/wal.html), readers are ``query_only``. PostgreSQL: reads are
repeatable-read snapshots, writes are read-committed and serialised by the lock on the ledger's head.

Beside them there are look-ups: one statement each, a snapshot by itself, over connections that stay open.
"""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from muniment_core.db.integrity import is_infrastructure
from muniment_core.db.prepared import Prepared

READ_POOL_SIZE = 8
_TRUSTED_SECONDS = 1.0
"""A connection to PostgreSQL that was used so recently is taken to stand."""
_BUSY_TIMEOUT_MS = 5_000
_PAGE_CACHE_KIB = 16 * 1024
_CHECKPOINT_PAGES = 8_000
"""Of 4 KiB, so the log before a checkpoint is 32 MiB. One registration changes some 40 pages, mostly the same ones
as the one before: with SQLite's default of 1,000 every 25th would write them to their places and wait for that."""
_POSTGRESQL_OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "statement_timeout=60s",
        "lock_timeout=30s",
        "idle_in_transaction_session_timeout=60s",
        "synchronous_commit=on",
        "timezone=UTC",
    )
)


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
        self._kept_reading: list[Connection] = []
        self._kept_writing: list[Connection] = []
        self._turn = threading.Lock()
        self._alone = threading.Lock()
        if self.is_sqlite:
            self._writing, self._reading = (
                _sqlite_engine(parsed, read_only=False),
                _sqlite_engine(parsed, read_only=True),
            )
            self._looking = self._reading
        else:
            self._writing, self._reading, self._looking = _postgresql_engines(parsed)

    @classmethod
    def embedded(cls, directory: Path) -> Database:
        """The SQLite database of a data directory."""
        return cls(URL.create("sqlite", database=str(directory / cls.FILE)).render_as_string())

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection in a transaction that commits at the end, for the writer, for migrations and for alarms."""
        # SQLite's one writing connection stays open and out of the pool: who comes meanwhile waits here for it.
        with self._turn if self.is_sqlite else nullcontext():
            with _begun(self._writing, self._kept_writing) as connection:
                yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one consistent snapshot and cannot write."""
        with _begun(self._reading, self._kept_reading) as connection:
            yield connection

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
        for kept in (*self._kept_reading, *self._kept_writing):
            kept.close()
        self._kept_reading.clear()
        self._kept_writing.clear()
        self._looking.dispose()
        self._reading.dispose()
        self._writing.dispose()


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


def _driver_of(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


@contextmanager
def _begun(engine: Engine, kept: list[Connection]) -> Iterator[Connection]:
    """A connection in a transaction: on SQLite one that stays open, on PostgreSQL one that was tried before."""
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            yield connection
        return
    try:
        connection = kept.pop()
    except IndexError:
        connection = engine.connect()
    try:
        with connection.begin():
            yield connection
    except BaseException as error:
        # What failed was most often the use case, and its transaction is rolled back by now.
        if is_infrastructure(error) or _driver_of(connection).in_transaction:
            connection.close()
        else:
            kept.append(connection)
        raise
    kept.append(connection)


def _sqlite_engine(url: URL, *, read_only: bool) -> Engine:
    engine = create_engine(
        url,
        # Readers keep theirs open: there are as many as ever read at once, and none waits for another.
        pool_size=READ_POOL_SIZE if read_only else 1,
        max_overflow=-1 if read_only else 0,
        connect_args={
            "check_same_thread": False,
            "timeout": _BUSY_TIMEOUT_MS / 1000,
            "cached_statements": 512,
        },
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
        # The driver's own transaction handling begins too late for a snapshot: we begin ourselves.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA cache_size=-{_PAGE_CACHE_KIB}")
        if read_only:
            connection.execute("PRAGMA query_only=ON")
            connection.execute("PRAGMA wal_autocheckpoint=0")
        else:
            connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # On the driver's connection: SQLAlchemy takes longer over these words than SQLite does.
        _driver_of(connection).execute("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _postgresql_engines(url: URL) -> tuple[Engine, Engine, Engine]:
    arguments: dict[str, Any] = {
        "options": _POSTGRESQL_OPTIONS,
        "connect_timeout": 10,
        # A host that vanished without a word answers no timeout of its own: the connection's own are needed, or
        # the writer would wait for hours.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 65_000,
    }
    writing = create_engine(
        url,
        pool_size=1,
        max_overflow=2,
        isolation_level="READ COMMITTED",
        connect_args=arguments,
    )
    reading = create_engine(
        url, pool_size=READ_POOL_SIZE, max_overflow=0, connect_args=arguments
    ).execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    looking = create_engine(
        url,
        pool_size=READ_POOL_SIZE,
        max_overflow=0,
        isolation_level="AUTOCOMMIT",
        connect_args={
            **arguments,
            "options": f"{_POSTGRESQL_OPTIONS} -c default_transaction_read_only=on",
        },
    )
    for engine in (writing, reading):
        _try_after_a_pause(engine)
    return writing, reading, looking


def _try_after_a_pause(engine: Engine) -> None:
    """Try a connection before it is used again, unless it was used a moment ago: a try costs a trip."""

    @event.listens_for(engine, "checkin")
    def given_back(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def taken(connection: Any, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        if time.monotonic() - record.info.get("used", math.inf) > _TRUSTED_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError from error  # and the pool opens others
