"""``muniment-server gc``."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click
from muniment_artifact.collection.collect import Collected, collect, foresee

from muniment_server.blobs import open_stores
from muniment_server.core import running_core
from muniment_server.settings import storage_options, storage_settings
from muniment_server.span import GRACE, Span

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


@click.command()
@click.option("--delete", "deleting", is_flag=True, help="Do it; without this, only tell what would be done.")
@click.option(
    "--grace",
    type=Span(),
    metavar="SPAN",
    default=GRACE,
    show_default="1d",
    help="Leave alone what was needed or counted on more recently; longer than any push takes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@storage_options
def gc(deleting: bool, grace: timedelta, as_json: bool, **values: Any) -> None:
    """Give back the space of bytes that nothing needs, and move those of archived versions to the cold tier.

    Nothing needs the bytes of deleted versions, of pushes that never became a version, and what a crash left over.
    Records, digests and history stay. It may be cut short and run again at will; a registry on PostgreSQL may be
    served meanwhile, an embedded one collects in its server (--gc-every) or is stopped for it.
    """
    settings = storage_settings(values)
    with running_core(settings) as core:
        run = collect if deleting else foresee
        done = asyncio.run(
            run(core.execution, open_stores(settings), grace=grace, drop_archived=settings.drop_archived)
        )
    if as_json:
        click.echo(json.dumps({"deleted": deleting, **asdict(done)}))
    else:
        click.echo(_told(done, deleting=deleting))


def _told(done: Collected, *, deleting: bool) -> str:
    what = f"{done.blobs:,} blobs ({_size(done.bytes)}) of {done.chunks:,} chunks and {done.manifests:,} manifests"
    archived = ""
    if done.archived_manifests:
        archived = (
            f"{'moved' if deleting else 'would move'} {_size(done.archived_bytes)} of "
            f"{done.archived_manifests:,} archived manifests to the cold tier; "
        )
    if deleting:
        return f"{archived}gave back {what}; {done.leftovers:,} leftovers of dead writers removed"
    return f"{archived}would give back {what}; say --delete to do it"


def _size(count: float) -> str:
    for unit in _UNITS[:-1]:
        if count < 1024:
            return f"{count:,.1f} {unit}" if unit != "bytes" else f"{count:,.0f} bytes"
        count /= 1024
    return f"{count:,.1f} {_UNITS[-1]}"
