"""``muniment promote``, ``rollback``, ``stages`` and ``history``."""

from __future__ import annotations

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import many, one, say
from muniment.cli.parameters import to_number, to_prose, to_text
from muniment.cli.text import last, moved, short, when
from muniment.cli.verb import verb
from muniment.values import Promotion, StageMove

_EXPECTED = click.option(
    "--expected-current",
    type=to_number,
    metavar="NUMBER",
    help="Refuse unless this version is current in the stage now; 0: unless none is.",
)
_REASON = click.option(
    "--reason", default="", type=to_prose, metavar="TEXT", help="Why; kept in the history."
)


@verb("promote")
@click.argument("selector", type=to_text)
@click.option(
    "--to", "stage", required=True, type=to_text, metavar="STAGE", help="Stage, for example production."
)
@_EXPECTED
@_REASON
def promote(
    invocation: Invocation, selector: str, stage: str, expected_current: int | None, reason: str
) -> None:
    """Make a version current in a stage."""
    with invocation.connect() as registry:
        promotion = registry.promote(selector, to=stage, expected_current=expected_current, reason=reason)

    def tell(made: Promotion) -> None:
        version = invocation.version(made.version)
        if made.state != "PROMOTED":
            say(f"The promotion of {version} to {made.stage} is {made.state}")
            return
        before = f"version {made.previous_number} was" if made.previous_number else "none was before"
        say(f"{version} is current in {made.stage} ({before}), revision {made.revision}")

    one(promotion, json=invocation.json, human=tell)


@verb("rollback")
@click.argument("model", type=to_text)
@click.option("--stage", required=True, type=to_text, metavar="STAGE", help="Stage, for example production.")
@click.option(
    "--to", type=to_text, metavar="VERSION", help="A version that was current there once. [the previous one]"
)
@_EXPECTED
@_REASON
def rollback(
    invocation: Invocation, model: str, stage: str, to: str | None, expected_current: int | None, reason: str
) -> None:
    """Move a stage of MODEL back to what was there before."""
    with invocation.connect() as registry:
        move = registry.rollback(model, stage=stage, to=to, expected_current=expected_current, reason=reason)

    def tell(made: StageMove) -> None:
        say(
            f"Version {made.number} of {model} is current in {last(made.stage)} again "
            f"(version {made.previous_number} was), revision {made.revision}"
        )

    one(move, json=invocation.json, human=tell)


@verb("stages")
@click.argument("model", type=to_text)
def stages(invocation: Invocation, model: str) -> None:
    """Show which version of MODEL is current in each stage."""
    with invocation.connect() as registry:
        many(
            registry.stages(model),
            json=invocation.json,
            columns=("STAGE", "VERSION", "DIGEST", "SINCE", "BY"),
            row=lambda stage: (
                last(stage.name),
                str(stage.number or "none"),
                short(stage.digest),
                when(stage.time),
                stage.actor,
            ),
            none="The project has no stages.",
        )


@verb("history")
@click.argument("model", type=to_text)
@click.option("--stage", type=to_text, metavar="STAGE", help="This stage only.")
def history(invocation: Invocation, model: str, stage: str | None) -> None:
    """Show how the stages of MODEL moved, newest first."""
    with invocation.connect() as registry:
        many(
            registry.history(model, stage),
            json=invocation.json,
            columns=("REVISION", "TIME", "STAGE", "MOVE", "VERSION", "BY", "REASON"),
            row=lambda move: (
                str(move.revision),
                when(move.time),
                last(move.stage),
                move.kind.lower(),
                moved(move.number, move.previous_number),
                move.actor,
                move.reason,
            ),
            none="No stage has moved yet; 'muniment promote SELECTOR --to STAGE' moves one.",
        )
