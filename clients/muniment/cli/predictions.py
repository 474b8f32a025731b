"""``muniment predictions``, ``trace`` and ``receipt``: what a version said, and what made it say so."""

from __future__ import annotations

from datetime import datetime

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import many, one, say, view
from muniment.cli.parameters import to_past, to_path, to_text
from muniment.cli.text import pairs, short, when
from muniment.cli.verb import verb
from muniment.cli.versions import code_line, dataset_line
from muniment.values import Event, PredictionCount, PredictionTrace, Receipt


@verb("predictions")
@click.argument("selector", type=to_text, required=False)
@click.option("--dataset", type=to_text, metavar="DIGEST", help="Of all versions trained on this data set.")
@click.option("--since", type=to_past, metavar="TIME", help="From then on, for example 12h or 2027-01-31.")
@click.option("--until", type=to_past, metavar="TIME", help="Before then.")
@click.option("--count", is_flag=True, help="Only tell how many there are.")
def predictions(
    invocation: Invocation,
    selector: str | None,
    dataset: str | None,
    since: datetime | None,
    until: datetime | None,
    count: bool,
) -> None:
    """List what a version predicted, in order of time.

    Give SELECTOR for one version, or --dataset for all versions that were trained on a data set: that name it with
    the role train, training, pretrain or finetune, and not only holdout or the like.
    """
    if (selector is None) == (dataset is None):
        raise click.UsageError("give either SELECTOR or --dataset")
    with invocation.connect() as registry:
        if count:
            one(
                registry.count_predictions(selector, dataset_digest=dataset, start=since, end=until),
                json=invocation.json,
                human=_tell_count,
            )
            return
        many(
            registry.list_predictions(selector, dataset_digest=dataset, start=since, end=until),
            json=invocation.json,
            columns=("TIME", "ID", "VERSION", "INPUT", "OUTPUT"),
            row=lambda found: (
                when(found.time),
                found.id,
                invocation.version(found.version),
                short(found.input_digest),
                short(found.output_digest),
            ),
            none="No prediction of the kind is kept.",
        )


@verb("trace")
@click.argument("id", type=to_text)
def trace(invocation: Invocation, id: str) -> None:
    """Show what made a prediction.

    The version with its data sets and code, and who brought it where it was current then.
    """
    with invocation.connect() as registry:
        traced = registry.trace(id)

    def tell(found: PredictionTrace) -> None:
        version = found.version
        view(
            f"Prediction {found.prediction.id}",
            (
                ("made", when(found.prediction.time)),
                ("input", found.prediction.input_digest),
                ("output", found.prediction.output_digest),
                ("sealed", f"with {found.batch_size} in ledger entry {found.revision}"),
                ("version", invocation.version(version.name)),
                ("digest", version.digest),
                ("registered", f"{when(version.create_time)} by {version.author}"),
                ("current in", ", ".join(found.stages)),
                ("moved", [_move(event) for event in found.stage_events]),
                ("datasets", [dataset_line(dataset) for dataset in version.datasets]),
                ("parents", [invocation.version(edge.version) for edge in version.parents]),
                ("code", code_line(version.code) if version.code else ""),
                ("params", pairs(version.params)),
                ("same id", f"{found.same_id_count} others" if found.same_id_count else ""),
            ),
        )

    one(traced, json=invocation.json, human=tell)


@verb("receipt")
@click.argument("id", type=to_text)
@click.option(
    "-o",
    "--output",
    type=to_path,
    metavar="FILE",
    help="Where to write it.",
)
def receipt(invocation: Invocation, id: str, output: str | None) -> None:
    """Get a file that proves a prediction.

    'muniment verify' checks it with the ledger's public key alone, without network or server.
    """
    with invocation.connect() as registry:
        proof = registry.receipt(id)

    def tell(found: Receipt) -> None:
        if output is None:
            click.echo(found.content, nl=False)
        else:
            say(f"Wrote {output}, {len(found.content)} bytes")

    if output is not None:
        proof.save(output)
    one(proof, json=invocation.json, human=tell)


def _tell_count(found: PredictionCount) -> None:
    expired = f", {found.expired_count} of them dropped by retention" if found.expired_count else ""
    say(f"{found.count}{expired}")


def _move(event: Event) -> str:
    how = "promoted to" if event.type == "stage.promoted" else "rolled back to in"
    reason = f": {event.reason}" if event.reason else ""
    return f"{when(event.time)} {how} {event.stage} by {event.actor}, ledger entry {event.revision}{reason}"
