"""What the server's log says, and in which words."""

from __future__ import annotations

import logging

_DEPARTED = "ExecuteBatchError raised in core"


def set_up_logs() -> None:
    """Write to standard error."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("grpc._cython.cygrpc").addFilter(without_departures)


def without_departures(record: logging.LogRecord) -> bool:
    """Leave out that a client went away while it was sent something.

    It is in the nature of clients; gRPC logs it as an error of the server, each time with a stack of its own.
    """
    return not str(record.msg).startswith(_DEPARTED)
