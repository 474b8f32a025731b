"""``muniment watch`` and ``muniment audit``: the same entries, as they come, looked up and proved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import islice

import click

from muniment.cli.filters import explain_nothing, or_else, tell_unlikely
from muniment.cli.invocation import Invocation
from muniment.cli.output import many, one
from muniment.cli.parameters import to_count, to_number, to_past, to_text
from muniment.cli.text import moved, when
from muniment.cli.verb import group, verb
from muniment.cli.verification import export, verify
from muniment.values import Event

# Blanks keep room, for entries that come one by one are not measured together.
_COLUMNS = (
    "REVISION",
    "TIME" + " " * 16,
    "TYPE" + " " * 12,
    "MODEL" + " " * 12,
    "VERSION   ",
    "STAGE     ",
    "BY",
    "REASON",
)

_MODEL = click.option(
    "--model",
    type=to_text,
    metavar="NAME[@N]",
    help="Entries of this model only, or of one of its versions.",
)
_STAGE = click.option("--stage", type=to_text, metavar="NAME", help="Entries of this stage only.")
_TYPES = click.option(
    "--type",
    "types",
    multiple=True,
    type=to_text,
    metavar="TYPE",
    help="Entries of this type only, for example version.created or 'stage.*'; may be repeated.",
)
_ALL_PROJECTS = click.option(
    "--instance", "all_projects", is_flag=True, help="Of the whole registry instead of the project."
)


@verb("watch")
@click.option(
    "--after",
    type=to_number,
    metavar="REVISION",
    help="Continue after this revision; 0: from the first. [from now on]",
)
@_MODEL
@_STAGE
@_TYPES
def watch(
    invocation: Invocation, after: int | None, model: str | None, stage: str | None, types: tuple[str, ...]
) -> None:
    """Print what happens as it happens, until Ctrl-C.

    In order, each once; goes on by itself when the registry was away.
    """
    with invocation.connect() as registry:
        tell_unlikely(registry, project=invocation.project_of(model), model=model, stage=stage, types=types)
        with registry.watch(after=after, model=model, stage=stage, types=types) as events:
            many(events, json=invocation.json, columns=_COLUMNS, row=_cells(invocation), none="", batch=1)


@verb("log")
@_MODEL
@_STAGE
@click.option("--actor", type=to_text, metavar="PRINCIPAL", help="Entries of this principal only.")
@_TYPES
@click.option("--since", type=to_past, metavar="TIME", help="From then on, for example 12h or 2027-01-31.")
@click.option("--until", type=to_past, metavar="TIME", help="Before then.")
@_ALL_PROJECTS
@click.option("--newest-first", is_flag=True, help="Newest entry first.")
@click.option("--limit", type=to_count, metavar="N", help="At most this many entries.")
def log(
    invocation: Invocation,
    model: str | None,
    stage: str | None,
    actor: str | None,
    types: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    all_projects: bool,
    newest_first: bool,
    limit: int | None,
) -> None:
    """Print everything that happened in the project, oldest first."""
    with invocation.connect() as registry:
        entries = registry.audit.log(
            model=model,
            stage=stage,
            actor=actor,
            types=types,
            since=since,
            until=until,
            newest_first=newest_first,
            all_projects=all_projects,
        )
        # Entries of the instance are of models of any project.
        explained = partial(
            explain_nothing,
            registry,
            project=None if all_projects else invocation.project_of(model),
            model=None if all_projects else model,
            stage=stage,
            types=types,
        )
        many(
            islice(or_else(entries, explained), limit),
            json=invocation.json,
            columns=[title.strip() for title in _COLUMNS],
            row=_cells(invocation),
            none="Nothing of the kind has happened.",
        )


def _cells(invocation: Invocation) -> Callable[[Event], Sequence[str]]:
    return lambda event: (
        str(event.revision),
        when(event.time),
        event.type,
        invocation.model(event.model),
        moved(event.number, event.previous_number),
        event.stage,
        event.actor,
        event.reason,
    )


@verb("checkpoint")
@click.option("--min-size", type=to_number, metavar="REVISION", help="One that covers this revision. [any]")
def checkpoint(invocation: Invocation, min_size: int | None) -> None:
    """Print the newest signed head, a C2SP checkpoint.

    Keep it: 'audit verify' shows later that nothing before it was changed.
    """
    with invocation.connect() as registry:
        one(
            registry.audit.checkpoint(min_size or 0),
            json=invocation.json,
            human=lambda found: click.echo(found.note, nl=False),
        )


@verb("proof")
@click.argument("revision", type=to_number)
@_ALL_PROJECTS
def proof(invocation: Invocation, revision: int, all_projects: bool) -> None:
    """Print a C2SP tlog-proof of entry REVISION.

    With the entry's body and the public key of the ledger anyone can verify it, without this registry.
    """
    with invocation.connect() as registry:
        one(
            registry.audit.inclusion_proof(revision, all_projects=all_projects),
            json=invocation.json,
            human=lambda proved: click.echo(proved.tlog_proof, nl=False),
        )


@verb("keys")
def keys(invocation: Invocation) -> None:
    """Print the public keys; the last one signs now."""
    with invocation.connect() as registry:
        for key in registry.audit.log_keys():
            one(key, json=invocation.json, human=lambda known: click.echo(known.key))


audit = group(
    "audit", "Read who did what and when, and have it proved.", log, verify, export, checkpoint, proof, keys
)
