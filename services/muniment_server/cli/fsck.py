"""``muniment-server fsck``."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from typing import Any

import click
from muniment_core.db.database import Database
from muniment_core.domain.limits import ANSWERS_REMEMBERED

from muniment_server.blobs import open_stores
from muniment_server.core import utc_now
from muniment_server.data_directory import DataDirectory, DirectoryInUse
from muniment_server.fsck.run import Fsck
from muniment_server.settings import StorageSettings, storage_options, storage_settings
from muniment_server.signing import open_anchor

SECONDS_BETWEEN = 0.2


@click.command()
@click.option("--bytes", "read_bytes", is_flag=True, help="Read every blob and compare its digest, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object per line.")
@storage_options
def fsck(read_bytes: bool, as_json: bool, **values: Any) -> None:
    """Check the ledger, the tables against the ledger, and that every blob is there.

    Prints a line for each thing that differs. An embedded registry must not be served meanwhile; one on
    PostgreSQL may be. Exit status: 0 clean, 1 something differs, 2 wrong usage or nothing to check.
    """
    settings = storage_settings(values)
    directory, database = _open(settings)
    progress = _Progress() if sys.stderr.isatty() else None
    found = 0
    try:
        if database.is_sqlite:
            try:
                directory.lock()
            except DirectoryInUse as error:
                raise click.UsageError(str(error)) from error
        check = Fsck(
            database,
            open_stores(settings),
            anchor=open_anchor(settings),
            remembered_since=utc_now() - ANSWERS_REMEMBERED,
            read_bytes=read_bytes,
            progress=progress or (lambda _what, _count: None),
        )
        for difference in check.run():
            found += 1
            _clear(progress)
            click.echo(json.dumps(difference.fields) if as_json else difference.line)
    finally:
        _clear(progress)
        database.close()
        directory.unlock()
    checked = check.checked
    if as_json:
        click.echo(json.dumps({**asdict(checked), "differences": found}))
    else:
        verdict = f"{found} differences" if found else "clean"
        click.echo(
            f"{verdict}: {checked.entries} entries, {checked.versions} versions and {checked.blobs} blobs checked"
        )
    if found:
        raise click.exceptions.Exit(1)


def _open(settings: StorageSettings) -> tuple[DataDirectory, Database]:
    if not settings.database and not (settings.data / "muniment.db").exists():
        raise click.UsageError(f"{settings.data} holds no registry: give another --data, or --database")
    directory = DataDirectory(settings.data)
    return directory, Database(settings.database) if settings.database else Database.embedded(settings.data)


class _Progress:
    """A line on a terminal that tells how far the check has come."""

    def __init__(self) -> None:
        self._next = 0.0
        self.is_shown = False

    def __call__(self, what: str, count: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + SECONDS_BETWEEN
            click.echo(f"\r\x1b[K{what}: {count:,}", nl=False, err=True)
            self.is_shown = True


def _clear(progress: _Progress | None) -> None:
    if progress is not None and progress.is_shown:
        click.echo("\r\x1b[K", nl=False, err=True)
        progress.is_shown = False
