"""``muniment search``."""

from __future__ import annotations

import re

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import many
from muniment.cli.parameters import to_prose
from muniment.cli.text import number, short, some, when
from muniment.cli.verb import verb
from muniment.values import Metric, Version

_NAMED = re.compile(r"""metrics[.:](?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s"'(),:=<>!.]+))""")


@verb("search")
@click.argument("filter", type=to_prose, default="")
@click.option(
    "--order-by", type=to_prose, default="", metavar="FIELD [desc], …", help="Newest first by default."
)
@click.option("--models", is_flag=True, help="Find models instead of versions.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="How many at most; all by default.")
@click.option("--deleted", is_flag=True, help="Deleted ones as well.")
def search(
    invocation: Invocation, filter: str, order_by: str, models: bool, limit: int | None, deleted: bool
) -> None:
    """Find the versions of the project that meet FILTER.

    \b
      muniment search 'metrics.f1 > 0.9 AND tags.team = risk' --order-by 'metrics.f1 desc' --limit 10
      muniment search 'stage = production -tags.owner:*'
      muniment search 'dataset.digest = "sha256:…" (author = ann OR author = bob)'

    Conditions are joined by AND (or a blank), OR, NOT (or -) and parentheses; OR binds closer than AND. Each
    is FIELD OPERATOR VALUE with = != < <= > >=, or : for "contains"; FIELD:* means that there is any value.
    Values with blanks or signs stand in quotes. A word alone is looked for in names of models and descriptions.

    \b
    Fields of versions:
      model number digest state description author create_time update_time size_bytes
      stage alias parent parent.relation code.commit code.repository run.id
      dataset.name dataset.version dataset.digest
      tags.KEY params.KEY metrics.KEY metrics.KEY.best metrics.KEY.min metrics.KEY.max
    Fields of models:
      name description creator state latest_number create_time update_time stage tags.KEY

    A key with other signs than letters, digits, _, - and / stands in quotes: metrics."val f1". A comparison with
    something that is not there is false, != too. Ordered by a field, what is not there comes last, as do NaN and
    the infinities.
    """
    with invocation.connect() as registry:
        if models:
            many(
                registry.search_models(filter, order_by=order_by, limit=limit, show_deleted=deleted),
                json=invocation.json,
                columns=("MODEL", "LATEST", "IN STAGES", "CREATED", "BY", "DESCRIPTION"),
                row=lambda model: (
                    invocation.model(model.name),
                    str(model.latest_number or ""),
                    some(f"{pointer.stage}={pointer.number}" for pointer in model.stages),
                    when(model.create_time),
                    model.creator,
                    model.description,
                ),
                none="No model meets the filter.",
            )
            return
        named = _named_metrics(f"{filter} {order_by}")
        many(
            registry.search(filter, order_by=order_by, limit=limit, show_deleted=deleted),
            json=invocation.json,
            columns=("VERSION", "STATE", "STAGES", "METRICS", "DIGEST", "CREATED", "BY"),
            row=lambda version: (
                invocation.version(version.name),
                version.state,
                some(version.stages),
                some(f"{metric.key}={number(metric.value)}" for metric in _shown(version, named)),
                short(version.digest),
                when(version.create_time),
                version.author,
            ),
            none="No version meets the filter.",
        )


def _named_metrics(text: str) -> list[str]:
    """The metrics that a filter or an order names, in its order."""
    found = (next(filter(None, groups), "") for groups in _NAMED.findall(text))
    return list(dict.fromkeys(re.sub(r"\\(.)", r"\1", key) for key in found))


def _shown(version: Version, named: list[str]) -> list[Metric]:
    """The metrics that were asked for; all of them if none was."""
    if not named:
        return list(version.metrics)
    by_key = {metric.key: metric for metric in version.metrics}
    return [by_key[key] for key in named if key in by_key]
