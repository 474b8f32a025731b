"""``muniment-server migrate``."""

from __future__ import annotations

from typing import Any

import click
from muniment_core.db import schema
from muniment_core.db.database import Database

from muniment_server.core import utc_now
from muniment_server.data_directory import DataDirectory
from muniment_server.settings import storage_options, storage_settings


@click.command()
@storage_options
def migrate(**values: Any) -> None:
    """Bring the database to the schema of this program; run it again at will.

    An embedded database is brought there by every start of 'serve'.
    """
    settings = storage_settings(values)
    directory = DataDirectory(settings.data)
    database = Database(settings.database) if settings.database else Database.embedded(directory.path)
    if database.is_sqlite:
        directory.lock()
    try:
        click.echo(f"the database has schema {schema.migrate(database, utc_now)}")
    finally:
        database.close()
        directory.unlock()
