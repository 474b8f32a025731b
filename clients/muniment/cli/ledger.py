"""``muniment watch`` and ``muniment audit log``: the same entries, as they come and looked up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import many
from muniment.cli.parameters import to_number, to_text
from muniment.cli.text import moved, when
from muniment.cli.verb import group, verb
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

_MODEL = click.option("--model", type=to_text, metavar="NAME", help="Entries of this model only.")
_STAGE = click.option("--stage", type=to_text, metavar="NAME", help="Entries of this stage only.")
_TYPES = click.option(
    "--type",
    "types",
    multiple=True,
    type=to_text,
    metavar="TYPE",
    help="Entries of this type only, for example version.created or 'stage.*'; may be repeated.",
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
        with registry.watch(after=after, model=model, stage=stage, types=types) as events:
            many(events, json=invocation.json, columns=_COLUMNS, row=_cells(invocation), none="", batch=1)


@verb("log")
@_MODEL
@_STAGE
@click.option("--actor", type=to_text, metavar="PRINCIPAL", help="Entries of this principal only.")
@_TYPES
@click.option("--newest-first", is_flag=True, help="Newest entry first.")
@click.option("--limit", type=to_number, metavar="N", help="At most this many entries.")
def log(
    invocation: Invocation,
    model: str | None,
    stage: str | None,
    actor: str | None,
    types: tuple[str, ...],
    newest_first: bool,
    limit: int | None,
) -> None:
    """Print everything that happened in the project, oldest first."""
    with invocation.connect() as registry:
        entries = registry.audit_log(
            model=model, stage=stage, actor=actor, types=types, newest_first=newest_first
        )
        many(
            islice(entries, limit),
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


audit = group("audit", "Read who did what and when.", log)
