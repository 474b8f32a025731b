"""Turns what a database says went wrong into a domain error, or says that it is a defect.

Only the rules that callers can break have constraints that are expected to fire; every other
violation is a defect and stays an ``IntegrityError``.
"""

from __future__ import annotations

import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from muniment_core.domain.errors import DatabaseUnavailable, DomainError, StorageFull

_SQLITE_FULL = 13
_SQLITE_TRANSIENT = {5, 6, 10, 14}  # busy, locked, I/O error, cannot open
_SQLITE_INTERRUPT = 9
_POSTGRESQL_CANCELED = "57014"
_POSTGRESQL_FULL = {"53100"}
_POSTGRESQL_CONFLICT = {"40001", "40P01"}  # serialization failure, deadlock


def domain_error_of(error: BaseException) -> DomainError | None:
    """The domain error that an exception of the database means, or None when it is a defect."""
    if isinstance(error, PoolTimeout):
        return DatabaseUnavailable()
    # Prepared statements run on the driver's own cursor, whose errors come as they are.
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code == _SQLITE_FULL:
            return StorageFull("database")
        return DatabaseUnavailable() if code in _SQLITE_TRANSIENT else None
    if isinstance(cause, psycopg.Error):
        if cause.sqlstate in _POSTGRESQL_FULL:
            return StorageFull("database")
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        if lost or isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
            return DatabaseUnavailable()
    return None


def is_interrupted(error: BaseException) -> bool:
    """Whether a statement was ended because it took too long, or nobody waits for it."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) == _SQLITE_INTERRUPT
    return isinstance(cause, psycopg.Error) and cause.sqlstate == _POSTGRESQL_CANCELED


def is_conflict(error: BaseException) -> bool:
    """Whether another replica's transaction got in the way, so that the same work may be done once more."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, psycopg.Error) and cause.sqlstate in _POSTGRESQL_CONFLICT


def is_infrastructure(error: BaseException) -> bool:
    """Whether the error says nothing about the change itself, so that its whole transaction is void."""
    return isinstance(error, DBAPIError | PoolTimeout | sqlite3.Error | psycopg.Error)
