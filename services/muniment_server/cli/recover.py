"""``muniment-server recover``: go on after the ledger was found to be another than the one that was signed."""

from __future__ import annotations

from typing import Any

import click
from muniment_core.signing.recovery import recover as recover_ledger

from muniment_server.core import running_core, utc_now
from muniment_server.settings import storage_options, storage_settings
from muniment_server.signing import open_anchor

MAX_REASON = 1_000


@click.command()
@click.option("--reason", required=True, help="Why this is the ledger to go on with; it stays in the ledger.")
@storage_options
def recover(reason: str, **values: Any) -> None:
    """Leave recovery mode with the ledger as it stands.

    For an older copy of the database that was restored on purpose. The ledger keeps an entry of what was
    given up and why; whoever holds a checkpoint from before will find that it no longer fits.
    """
    if not reason.strip() or len(reason) > MAX_REASON:
        raise click.BadParameter(f"write 1 to {MAX_REASON} characters", param_hint="--reason")
    settings = storage_settings(values)
    with running_core(settings) as core:
        recovery = recover_ledger(
            core.database, core.writer, utc_now, anchor=open_anchor(settings), reason=reason
        )
    click.echo(
        f"going on with {recovery.kept_size} entries; revision {recovery.revision} tells that a signed head of "
        f"{recovery.anchor_size} was given up"
    )
