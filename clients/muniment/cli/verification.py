"""``muniment audit verify`` and ``muniment audit export``: the ledger, with nothing believed but a key."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import note, one, say
from muniment.cli.parameters import to_path
from muniment.cli.verb import verb

if TYPE_CHECKING:
    from muniment.auditing.result import Verification

_KEY = click.option(
    "--key",
    type=to_path,
    metavar="KEY",
    help="Public key to trust, or a file with it. [the one seen before; the first time the one told]",
)


@verb("verify")
@click.option(
    "--full/--incremental",
    default=None,
    help="Read every entry, or only have proved that what was seen before is there. [full the first time]",
)
@_KEY
@click.option(
    "--export",
    "directory",
    type=to_path,
    metavar="DIR",
    help="Verify what 'audit export' wrote there, without a registry; needs --key.",
)
def verify(invocation: Invocation, full: bool | None, key: str | None, directory: str | None) -> None:
    """Verify that the ledger is whole, signed and gone by.

    In full every entry is read and hashed, the signed root recomputed, and what the entries imply compared with
    what the registry shows: projects, models, versions, metrics, aliases, stages, deployments, and to an admin
    tokens. The checkpoint is kept: later the registry must prove that its ledger begins with it.
    """
    if directory is not None:
        if key is None:
            raise click.UsageError("--export needs --key: an export cannot vouch for its own keys")
        if full is False:
            raise click.UsageError("an export is always verified in full")
        from muniment.auditing.export import verify_export
        from muniment.auditing.trust import read_key

        _tell(invocation, verify_export(Path(directory), read_key(key)))
        return
    with invocation.connect() as registry:
        _tell(invocation, registry.audit.verify(full=full, key=key, progress=_progress()))


@verb("export")
@click.argument("directory", type=to_path)
@_KEY
def export(invocation: Invocation, directory: str, key: str | None) -> None:
    """Write the ledger into DIRECTORY, to be verified offline."""
    with invocation.connect() as registry:
        one(
            registry.audit.export(Path(directory), key=key),
            json=invocation.json,
            human=lambda signed: say(f"{signed.size} entries of {signed.origin} are in {directory}."),
        )


def _tell(invocation: Invocation, found: Verification) -> None:
    if invocation.json:
        click.echo(json.dumps(found.fields))
    else:
        for difference in found.differences:
            say(difference)
        if found:
            say(f"The ledger {found.origin} is what it says: {_what(found)}.")
        for replaced in found.replaced_keys:
            say(f"A key was replaced without its word: {replaced}.")
        note(f"It is signed by {found.key}. That key is believed because {found.trust}.")
    if not found:
        raise click.exceptions.Exit(1)


def _what(found: Verification) -> str:
    if found.is_full:
        counted = f"{found.compared} models"
        if found.compared_tokens:
            counted += f" and {found.compared_tokens} tokens"
        compared = f", {counted} are as it tells" if found.compared else ""
        return f"{found.size} entries lead to the signed root{compared}"
    return f"its {found.size} entries begin with the {found.begins_with} seen before"


def _progress() -> Callable[[int, int], None] | None:
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        click.echo(
            f"\r\x1b[K{done:,} of {total:,} entries" if done < total else "\r\x1b[K", nl=False, err=True
        )

    return show
