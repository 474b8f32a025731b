"""The schema: whether a database has it, and bringing it there.

Alembic is imported only when there are steps to run: that takes a quarter of a server's start, and most starts
find everything done.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, insert, inspect, select, table, text

from muniment_core.db import (
    artifact_tables,
    history_tables,
    prediction_tables,
    search_tables,
    signing_tables,
)
from muniment_core.db.database import Database
from muniment_core.db.tables import instance, ledger_head, metadata
from muniment_core.domain.merkle import Frontier

__all__ = [
    "SchemaAhead",
    "SchemaBehind",
    "artifact_tables",
    "current_revision",
    "differences",
    "history_tables",
    "is_current",
    "metadata",
    "migrate",
    "prediction_tables",
    "search_tables",
    "signing_tables",
]

if TYPE_CHECKING:
    from alembic.config import Config

_RAN = table("alembic_version", column("version_num"))
_ADVISORY_LOCK = 0x6D756E69  # "muni": no two processes migrate one PostgreSQL at once


class SchemaAhead(RuntimeError):
    """The database has a schema of a later program: no step leads back."""

    def __init__(self, found: str, last: str) -> None:
        super().__init__(
            f"the database has schema {found}, while this program knows none after {last}: "
            "install a newer release of muniment"
        )


class SchemaBehind(RuntimeError):
    """The database lacks steps of the schema this program needs."""

    def __init__(self, found: str | None, needed: str) -> None:
        super().__init__(
            f"the database has schema {found or 'none'}, while this program needs {needed}: "
            "run 'muniment-server migrate'"
        )


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("muniment_core.db") / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def needed_revision() -> str:
    """Name of the last step of this program."""
    return _steps()[-1]


def _steps() -> list[str]:
    """Names of all steps: they are numbered, and files are named after them."""
    found = (files("muniment_core.db") / "migrations" / "versions").iterdir()
    numbered = (step.name for step in found if step.name[0].isdigit() and step.name.endswith(".py"))
    return sorted(name.removesuffix(".py") for name in numbered)


def current_revision(database: Database) -> str | None:
    """Name of the last step that was run on the database, or None."""
    with database.reading() as connection:
        return _current_revision(connection)


def _current_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_RAN.name):
        return None
    return connection.execute(select(_RAN.c.version_num)).scalar_one_or_none()


def is_current(database: Database) -> bool:
    """Whether the database has the schema of this program."""
    return current_revision(database) == needed_revision()


def require_current(database: Database) -> None:
    """Make sure that the database has the schema of this program.

    Raises:
        SchemaBehind: if steps of it were not run.
        SchemaAhead: if steps were run that this program does not know.
    """
    found, needed = current_revision(database), needed_revision()
    _require_known(found)
    if found != needed:
        raise SchemaBehind(found, needed)


def _require_known(found: str | None) -> None:
    steps = _steps()
    if found is not None and found not in steps:
        raise SchemaAhead(found, steps[-1])


def migrate(database: Database, clock: Callable[[], datetime]) -> str:
    """Run the steps that are missing, in one transaction, and set up what every registry has.

    Returns:
        Name of the last step.

    Raises:
        SchemaAhead: if steps were run that this program does not know.
    """
    if is_current(database):
        return needed_revision()
    from alembic import command

    with database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        # Under the lock: a later program may have had it until now.
        _require_known(_current_revision(connection))
        command.upgrade(_config(connection), "head")
        _set_up(connection, clock)
    return needed_revision()


def differences(database: Database) -> list[object]:
    """What the tables in the database lack of the tables in the program; empty when all is well."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.reading() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))


def _set_up(connection: Connection, clock: Callable[[], datetime]) -> None:
    """Write the rows every registry begins with, the empty ledger head and the instance, unless they are there."""
    if connection.execute(select(instance.c.id)).first() is not None:
        return
    empty = Frontier()
    connection.execute(
        insert(ledger_head).values(id=1, size=0, root_hash=empty.root, frontier=empty.to_bytes(), alarm="")
    )
    connection.execute(
        insert(instance).values(id=1, page_token_key=secrets.token_bytes(32), create_time=clock())
    )


def page_token_key(database: Database) -> bytes:
    """The secret all replicas sign page tokens with."""
    with database.reading() as connection:
        return bytes(connection.execute(select(instance.c.page_token_key)).scalar_one())
