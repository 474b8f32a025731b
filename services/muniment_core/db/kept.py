"""Connections that stay open from one use to the next.

SQLAlchemy's pool makes a connection ready for whoever may come: on PostgreSQL that takes three times as long as a
short read. Here all who come want the same of it, so it is made ready once, when it is opened.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import TimeoutError as PoolTimeout

from muniment_core.db.integrity import is_infrastructure
from muniment_core.db.prepared import driver_of

_TRUSTED_SECONDS = 1.0
"""A connection to PostgreSQL that was used so recently is taken to stand."""
_USED = "time of last use"


class KeptConnections:
    """Connections of one engine, each used by one thread at a time; for any thread.

    Attributes:
        engine: the engine.
    """

    def __init__(
        self, engine: Engine, *, most: int | None = None, patience_seconds: float | None = 30.0
    ) -> None:
        """
        Args:
            most: how many may be in use at once, who comes then waits; None for as many as come.
            patience_seconds: how long one waits; None for as long as it takes.
        """
        self.engine = engine
        self._idle: list[Connection] = []
        self._room = nullcontext() if most is None else _Room(most, patience_seconds)

    @contextmanager
    def begun(self) -> Iterator[Connection]:
        """A connection in a transaction that commits at the end.

        Raises:
            sqlalchemy.exc.TimeoutError: if all were in use for too long.
        """
        with self._room:
            connection = self._take()
            try:
                with connection.begin():
                    yield connection
            except BaseException as error:
                # What failed was most often the use case, and its transaction is rolled back by now.
                if is_infrastructure(error) or connection.invalidated or _in_transaction(connection):
                    _end(connection)
                else:
                    self._keep(connection)
                raise
            self._keep(connection)

    def close(self) -> None:
        """Close those that are not in use, and the engine."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        self.engine.dispose()

    def _take(self) -> Connection:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self.engine.connect()
            if self._stands(connection):
                return connection
            _end(connection)

    def _keep(self, connection: Connection) -> None:
        if not _embedded(self.engine):
            connection.info[_USED] = time.monotonic()
        self._idle.append(connection)

    def _stands(self, connection: Connection) -> bool:
        """Whether a connection is still one: tried if it was idle for a while, for a try costs a trip."""
        if _embedded(self.engine) or time.monotonic() - connection.info[_USED] <= _TRUSTED_SECONDS:
            return True
        try:
            self.engine.dialect.do_ping(driver_of(connection))
        except Exception as error:
            if not is_infrastructure(error):
                raise
            return False
        return True


class _Room:
    """Room for so many at once."""

    def __init__(self, most: int, patience_seconds: float | None) -> None:
        self._free = threading.BoundedSemaphore(most)
        self._patience = patience_seconds

    def __enter__(self) -> None:
        if not self._free.acquire(timeout=self._patience):
            raise PoolTimeout("all connections are in use")

    def __exit__(self, *_: object) -> None:
        self._free.release()


def _embedded(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


def _in_transaction(connection: Connection) -> bool:
    driver = driver_of(connection)
    if connection.dialect.name == "sqlite":
        return bool(driver.in_transaction)
    return bool(driver.info.transaction_status)  # 0 is idle


def _end(connection: Connection) -> None:
    """Give up a connection: one to a server for good, for its pool does not learn what the driver was told."""
    if connection.dialect.name != "sqlite" and not connection.invalidated:
        connection.invalidate()
    connection.close()
