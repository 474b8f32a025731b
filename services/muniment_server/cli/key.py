"""``muniment-server key``: the keys that sign the ledger."""

from __future__ import annotations

import json
from typing import Any

import click
from muniment_core.db import schema
from muniment_core.db.checkpoint_store import CheckpointStore
from muniment_core.db.database import Database
from muniment_core.domain.ledger import format_time

from muniment_server.cli.recover import MAX_REASON
from muniment_server.core import running_core
from muniment_server.settings import storage_options, storage_settings
from muniment_server.signing import replace_lost
from muniment_server.signing import rotate as rotate_key


@click.group()
def key() -> None:
    """Show and replace the keys that sign the ledger."""


@key.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object per key.")
@storage_options
def show(as_json: bool, **values: Any) -> None:
    """Print the public keys of the ledger, oldest first; the last one signs now.

    Whoever verifies checkpoints and proofs needs them, from someone they trust.
    """
    settings = storage_settings(values)
    file = settings.data / Database.FILE
    if not settings.database and not file.exists():
        raise click.ClickException(f"{file} is not there: a registry that never ran has no key")
    database = Database(settings.database) if settings.database else Database.embedded(settings.data)
    try:
        schema.require_current(database)
        with database.reading() as connection:
            keys = CheckpointStore(connection).log_keys()
    finally:
        database.close()
    for known in keys:
        if as_json:
            record = {
                "key": known.public.text,
                "revision": known.revision,
                "create_time": format_time(known.create_time),
                "active": known is keys[-1],
            }
            click.echo(json.dumps(record))
        else:
            click.echo(known.public.text)


@key.command()
@storage_options
def rotate(**values: Any) -> None:
    """Replace the signing key by a new one, and print its public key.

    The old key signs a statement that the new one follows, which is an entry of the ledger. An embedded
    registry must be stopped meanwhile; replicas sign again when they find the new key's file.
    """
    settings = storage_settings(values)
    with running_core(settings) as core:
        click.echo(rotate_key(settings, core.database, core.writer).text)


@key.command()
@click.option("--reason", required=True, help="How the key was lost; it stays in the ledger.")
@storage_options
def replace(reason: str, **values: Any) -> None:
    """Replace a signing key that was lost, and print the public key of the new one.

    No signature says that the new key is of this ledger, only an entry with your name for it: whoever trusted the
    old one refuses the ledger until you have told them the new one (muniment audit verify --key). While the old
    key is anywhere, rotate it instead. --signing-key may name a key you made; else one is made. An embedded
    registry must be stopped meanwhile.
    """
    if not reason.strip() or len(reason) > MAX_REASON:
        raise click.BadParameter(f"write 1 to {MAX_REASON} characters", param_hint="--reason")
    settings = storage_settings(values)
    with running_core(settings, check_key=False) as core:
        click.echo(replace_lost(settings, core.database, core.writer, reason=reason).text)
