"""A real PostgreSQL for tests, from a wheel: no installation, Unix socket only, root or user."""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from harness.processes import DEADLINE

_PROGRAM = Path(__file__).with_name("postgres_program.py")
_PAUSE = 0.02


@dataclass
class PostgresServer:
    """A PostgreSQL that hands out databases, and that can crash and start again.

    It is started here and not by `pg_ctl`: that waits ten seconds for a server, which one that recovers on a busy
    machine may need.
    """

    data: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def url(self, database: str = "postgres") -> str:
        """URL of a database as SQLAlchemy, psycopg and libpq take it."""
        return f"postgresql://postgres@/{database}?host={self.data}"

    def start(self) -> None:
        """Starts it, made anew if it is not there, and waits until it answers."""
        with (self.data.parent / "log").open("ab") as log:
            self._process = process = subprocess.Popen(
                [sys.executable, "-P", _PROGRAM, self.data],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the tests, which stop it in the end.
                start_new_session=True,
            )

        def answers() -> bool:
            assert process.poll() is None, f"PostgreSQL ended with {process.returncode}\n{self._log()}"
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError:
                return False
            return True

        _until(answers, lambda: f"PostgreSQL does not answer\n{self._log()}")

    def crash(self) -> None:
        """Ends it without a checkpoint or a word to its clients; the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        """Ends it, whoever is still connected."""
        self._end(signal.SIGINT)

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
        """Runs a statement for which nobody may be connected to a database.

        Whoever was is on its way out, and PostgreSQL waits five seconds for that, which a busy machine exceeds.
        """
        with psycopg.connect(self.url(), autocommit=True) as connection:
            end = time.monotonic() + DEADLINE
            while True:
                try:
                    connection.execute(statement)
                    return
                except psycopg.errors.ObjectInUse:
                    if time.monotonic() > end:
                        raise

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            try:
                self._process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                # The last of its ways to end: no process of it is left running.
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait(DEADLINE)
            self._process = None

    def _log(self) -> str:
        return (self.data.parent / "log").read_text(errors="replace")[-8000:]


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
    try:
        server = PostgresServer(directory / "data")
        try:
            with lock.open("w") as held:
                fcntl.flock(held, fcntl.LOCK_EX)
                server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory)


def _until(condition: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    end = time.monotonic() + 2 * DEADLINE  # it may have to be made first
    while not condition():
        assert time.monotonic() < end, otherwise()
        time.sleep(_PAUSE)
