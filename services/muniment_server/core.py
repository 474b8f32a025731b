"""What every process of a registry has: the database, the writer, and the seam to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from muniment.names import DEFAULT_PROJECT
from muniment_core.db import schema
from muniment_core.db.database import Database
from muniment_core.db.unit_of_work import Reader
from muniment_core.db.writer import Change, Writer
from muniment_core.domain.access import SYSTEM, Role
from muniment_core.domain.errors import NameTaken, ProjectNotFound
from muniment_core.rpc.auth import secret_hash
from muniment_core.rpc.execution import Execution
from muniment_metadata.projects import create_project
from muniment_metadata.tokens import create_token, new_secret

from muniment_server.data_directory import DataDirectory
from muniment_server.settings import StorageSettings

ADMIN = "admin"


def utc_now() -> datetime:
    """The time, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Core:
    """The running core of a process."""

    directory: DataDirectory
    database: Database
    writer: Writer
    execution: Execution


@contextmanager
def running_core(
    settings: StorageSettings, *, on_commit: Callable[[Any], None] = lambda _entries: None
) -> Iterator[Core]:
    """Open the database, bring an embedded one to the newest schema, and start the writer.

    Raises:
        DirectoryInUse: if the database is embedded and another process uses it.
        SchemaBehind: if a PostgreSQL database was not migrated.
        UnusableDatabaseUrl: if the database address is none.
    """
    directory = DataDirectory(settings.data)
    database = Database(settings.database) if settings.database else Database.embedded(directory.path)
    try:
        if database.is_sqlite:
            directory.lock()
            schema.migrate(database, utc_now)
        elif not schema.is_current(database):
            raise schema.SchemaBehind(schema.current_revision(database), schema.needed_revision())
        writer = Writer(database, utc_now, on_commit=on_commit)
        writer.start()
        execution = Execution(database, writer, utc_now)
        try:
            _bootstrap(database, writer, directory)
            yield Core(directory, database, writer, execution)
        finally:
            writer.stop()
            execution.close()
    finally:
        database.close()
        directory.unlock()


def _bootstrap(database: Database, writer: Writer, directory: DataDirectory) -> None:
    """On the first start: an admin token in the data directory, and the project ``default``.

    The project comes last and says that all is done: a start that was cut short begins anew.
    """
    with database.reading() as connection:
        try:
            Reader(connection, utc_now()).projects.require(DEFAULT_PROJECT)
            return
        except ProjectNotFound:
            pass
    secret = new_secret()
    directory.write_admin_token(secret)
    create_admin_token = partial(
        create_token,
        secret_hash=secret_hash(secret),
        principal=ADMIN,
        project=None,
        roles=frozenset({Role.ADMIN}),
        expire_time=None,
    )
    writer.submit(Change(create_admin_token, SYSTEM.name)).result()
    with suppress(NameTaken):  # another replica was faster
        writer.submit(Change(lambda unit: create_project(unit, DEFAULT_PROJECT, ""), SYSTEM.name)).result()
