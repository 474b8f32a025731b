"""The engines of the database: what a connection is told when it is opened."""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import ConnectionPoolEntry

from muniment_core.db.prepared import driver_of

READ_POOL_SIZE = 8
WRITE_POOL_SIZE = 3
"""On PostgreSQL, where the writer is not alone: an alarm must not wait for it."""
QUERY_SECONDS = 60
"""How long the database may take over one question."""
_BUSY_TIMEOUT_MS = 5_000
_PAGE_CACHE_KIB = 16 * 1024
_KEPT_WRITING = 512
_KEPT_READING = 128
"""Statements that a connection to SQLite keeps compiled: a search takes 100 KiB, and there are several readers."""
_PAGE_BYTES = 1_024
"""Of a database that is made now. A registration changes some 50 pages, of most of them one row, and each is
written whole: with SQLite's default of 4,096 it takes a seventh longer. What reads every row takes a tenth longer
with these."""
_CHECKPOINT_PAGES = 8_000
"""The log before a checkpoint is 8 MiB. One registration changes mostly the same pages as the one before: with
SQLite's default of 1,000 every 20th would write them to their places and wait for that."""
_POSTGRESQL_OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        f"statement_timeout={QUERY_SECONDS}s",
        "lock_timeout=30s",
        "idle_in_transaction_session_timeout=60s",
        "synchronous_commit=on",
        "timezone=UTC",
        # Whatever is read often is in memory, and a look-up more is cheaper there than another page of a table.
        "random_page_cost=1.1",
    )
)


def sqlite_engine(url: URL, *, read_only: bool) -> Engine:
    engine = create_engine(
        url,
        # Readers keep theirs open: there are as many as ever read at once, and none waits for another.
        pool_size=READ_POOL_SIZE if read_only else 1,
        max_overflow=-1 if read_only else 0,
        connect_args={
            "check_same_thread": False,
            "timeout": _BUSY_TIMEOUT_MS / 1000,
            "cached_statements": _KEPT_READING if read_only else _KEPT_WRITING,
        },
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
        # The driver's own transaction handling begins too late for a snapshot: we begin ourselves.
        connection.isolation_level = None
        connection.execute(f"PRAGMA page_size={_PAGE_BYTES}")
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
        driver_of(connection).execute("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def postgresql_engines(url: URL) -> tuple[Engine, Engine, Engine]:
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
        pool_size=WRITE_POOL_SIZE,
        max_overflow=0,
        isolation_level="READ COMMITTED",
        connect_args=arguments,
    )
    reading = create_engine(url, pool_size=READ_POOL_SIZE, max_overflow=0, connect_args=arguments)
    looking = create_engine(
        url,
        pool_size=READ_POOL_SIZE + 1,  # one that the event loop asks itself
        max_overflow=0,
        isolation_level="AUTOCOMMIT",
        connect_args={
            **arguments,
            "options": f"{_POSTGRESQL_OPTIONS} -c default_transaction_read_only=on",
        },
    )

    @event.listens_for(reading, "connect")
    def take_snapshots(connection: psycopg.Connection[Any], _record: ConnectionPoolEntry) -> None:
        # Once for a connection, and not as an option of the engine, which is set anew for each use of it.
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True

    return writing, reading, looking
