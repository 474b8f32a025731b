"""Asking PostgreSQL without a thread that waits for it.

Handing a look-up to a thread and its row back takes an event loop longer than the database takes to find it. So
one connection is asked by the loop itself: it sends, and reads when there is something to read. The protocol stays
the driver's (https://www.psycopg.org/psycopg3/docs/api/pq.html); only waiting is ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.pq import ExecStatus
from sqlalchemy.engine import Dialect
from sqlalchemy.pool import PoolProxiedConnection

from muniment_core.db.prepared import Prepared

_NAME = b"looked up"
_PARAMETER = re.compile(r"%\((\w+)\)s")
Row = tuple[bytes | None, ...]
"""Columns as PostgreSQL writes them."""


class DirectLookUp:
    """One statement of text parameters, on a connection of its own. For one thread at a time, and never waits.

    After any :class:`psycopg.Error` the connection is of no use any more.
    """

    def __init__(self, held: PoolProxiedConnection, dialect: Dialect, statement: Prepared) -> None:
        """Prepare the statement, which waits for the database.

        Raises:
            psycopg.Error: if the database does not answer.
        """
        self._held = held
        text = statement.form(dialect).text
        self._names = list(dict.fromkeys(_PARAMETER.findall(text)))
        numbered = _PARAMETER.sub(lambda found: f"${self._names.index(found[1]) + 1}", text)
        driver: Any = held.dbapi_connection
        self._connection = driver.pgconn
        self._found: list[Row | None] = []
        self._lacking = 0
        made = self._connection.prepare(_NAME, numbered.encode())
        if made.status != ExecStatus.COMMAND_OK:
            raise psycopg.OperationalError(made.error_message.decode(errors="replace"))
        self._connection.nonblocking = 1
        self._connection.enter_pipeline_mode()

    @property
    def socket(self) -> int:
        """What becomes readable when something arrived."""
        return int(self._connection.socket)

    def send(self, asked: Sequence[Mapping[str, str]]) -> bool:
        """Ask for the rows of these values, all at once; nothing may be under way.

        Returns:
            Whether all was sent; else :meth:`flush` is to be called when the socket can be written.
        """
        self._found, self._lacking = [], len(asked)
        for values in asked:
            self._connection.send_query_prepared(_NAME, [values[name].encode() for name in self._names])
        self._connection.pipeline_sync()
        return self.flush()

    def flush(self) -> bool:
        """Send more; tells whether that was all."""
        return not self._connection.flush()

    def receive(self) -> list[Row | None] | None:
        """Read what arrived.

        Returns:
            For each of the values the first row or None, in the order asked for, once all of them are there.
        """
        self._connection.consume_input()
        while self._lacking and not self._connection.is_busy():
            result = self._connection.get_result()
            if result is None or result.status == ExecStatus.PIPELINE_SYNC:
                continue
            if result.status != ExecStatus.TUPLES_OK:
                raise psycopg.OperationalError(result.error_message.decode(errors="replace"))
            self._lacking -= 1
            self._found.append(
                tuple(result.get_value(0, column) for column in range(result.nfields))
                if result.ntuples
                else None
            )
            if not self._lacking:
                return self._found
        return None

    def close(self) -> None:
        """Give the connection up."""
        self._held.invalidate()
