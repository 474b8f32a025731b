"""``muniment alias``."""

from __future__ import annotations

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import many, one, say
from muniment.cli.parameters import to_number, to_text
from muniment.cli.text import last, when
from muniment.cli.verb import verb
from muniment.values import Alias


@verb("alias")
@click.argument("model", type=to_text)
@click.argument("name", type=to_text, required=False)
@click.argument("version", type=to_text, required=False)
@click.option("--delete", is_flag=True, help="Remove the alias NAME.")
@click.option(
    "--expected",
    type=to_number,
    metavar="NUMBER",
    help="Refuse unless NAME points to this version now; 0: unless it does not exist.",
)
def alias(
    invocation: Invocation,
    model: str,
    name: str | None,
    version: str | None,
    delete: bool,
    expected: int | None,
) -> None:
    """List, set, move or remove aliases of MODEL.

    \b
    muniment alias MODEL                  lists them
    muniment alias MODEL NAME VERSION     sets or moves NAME; VERSION is a number, stage, alias, latest or digest
    muniment alias MODEL NAME --delete    removes NAME
    """
    if name is None and (delete or expected is not None):
        raise click.UsageError("NAME is missing: which alias?")
    if name is not None and (version is None) != delete:
        raise click.UsageError("give either VERSION, to point NAME to it, or --delete.")
    with invocation.connect() as registry:
        if name is None:
            many(
                registry.aliases(model),
                json=invocation.json,
                columns=("ALIAS", "VERSION", "MOVED", "BY"),
                row=lambda found: (last(found.name), str(found.number), when(found.update_time), found.actor),
                none="The model has no aliases.",
            )
        elif version is None:
            one(
                registry.delete_alias(model, name, expected),
                json=invocation.json,
                human=lambda gone: say(
                    f"Removed alias {last(gone.name)}, which pointed to version {gone.number}"
                ),
            )
        else:
            one(registry.alias(model, name, version, expected), json=invocation.json, human=_tell_moved)


def _tell_moved(alias: Alias) -> None:
    say(f"Alias {last(alias.name)} points to version {alias.number}")
