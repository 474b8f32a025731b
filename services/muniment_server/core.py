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
from muniment_core.signing.keeper import LedgerKeeper
from muniment_metadata.projects import create_project
from muniment_metadata.tokens import create_token, new_secret

from muniment_server.data_directory import DataDirectory
from muniment_server.settings import StorageSettings
from muniment_server.signing import ensure_key, key_file, open_anchor

ADMIN = "admin"
POLL_SECONDS_EMBEDDED = 5.0
POLL_SECONDS_REPLICATED = 0.2
"""How often to look for what other processes committed; an embedded database has none."""


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
    keeper: LedgerKeeper


@contextmanager
def running_core(
    settings: StorageSettings,
    *,
    on_commit: Callable[[Any], None] = lambda _entries: None,
    keep_signed: bool = False,
    check_key: bool = True,
) -> Iterator[Core]:
    """Open the database, bring an embedded one to the newest schema, and start the writer.

    The ledger is looked at first: one that is not what was signed is read and not written.

    Args:
        on_commit: told the entries of each transaction.
        keep_signed: sign the ledger, or follow who does, as long as the core runs.
        check_key: see to it that the key that was given is the log's.

    Raises:
        UnusableKey: if the signing key that was given cannot be used.
        DirectoryInUse: if the database is embedded and another process uses it.
        SchemaBehind: if a PostgreSQL database was not migrated.
        SchemaAhead: if the database was migrated by a later program.
        UnusableDatabaseUrl: if the database address is none.
    """
    directory = DataDirectory(settings.data)
    database = Database(settings.database) if settings.database else Database.embedded(directory.path)
    try:
        if database.is_sqlite:
            directory.lock()
            schema.migrate(database, utc_now)
        else:
            schema.require_current(database)
        keeper = LedgerKeeper(
            database,
            utc_now,
            anchor=open_anchor(settings),
            key_file=key_file(settings),
            poll_seconds=POLL_SECONDS_EMBEDDED if database.is_sqlite else POLL_SECONDS_REPLICATED,
        )

        def committed(entries: Any) -> None:
            keeper.wake()
            on_commit(entries)

        writer = Writer(database, utc_now, on_commit=committed)
        keeper.inspect()
        if keeper.alarm:
            writer.suspend()
        writer.start()
        execution = Execution(database, writer, utc_now)
        try:
            if not keeper.alarm:
                if check_key:
                    ensure_key(settings, database, writer)
                _bootstrap(database, writer, directory)
            if keep_signed:
                keeper.start(writer)
            yield Core(directory, database, writer, execution, keeper)
        finally:
            keeper.stop()
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
