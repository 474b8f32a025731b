"""``muniment update``, ``metrics``, ``add-metrics`` and ``delete``: what may change of a version or model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import many, one, say
from muniment.cli.parameters import once, to_metric, to_number, to_pair, to_prose, to_text
from muniment.cli.text import number, when
from muniment.cli.verb import verb
from muniment.values import Metric, Model, Version

if TYPE_CHECKING:
    from google.protobuf.message import Message

_MODEL = click.option(
    "--model", "of_model", is_flag=True, help="SELECTOR names a model, and it is meant itself."
)
_ETAG = click.option(
    "--etag", type=to_text, metavar="ETAG", help="Refuse if it changed since it had this etag."
)


@verb("update")
@click.argument("selector", type=to_text)
@click.option("--description", type=to_prose, metavar="TEXT", help="The new description.")
@click.option("--tag", "tags", multiple=True, type=to_pair, metavar="KEY=VALUE", help="A label to set.")
@click.option("--remove-tag", "gone", multiple=True, type=to_text, metavar="KEY", help="A label to remove.")
@_MODEL
@_ETAG
def update(
    invocation: Invocation,
    selector: str,
    description: str | None,
    tags: tuple[tuple[str, str], ...],
    gone: tuple[str, ...],
    of_model: bool,
    etag: str | None,
) -> None:
    """Change description or tags of a version, or of a model."""
    labels: dict[str, str | None] = {**once(tags, "--tag")}
    for key in gone:
        if key in labels:
            raise click.UsageError(f"Tag {key} is to be set and to be removed.")
        labels[key] = None
    if description is None and not labels:
        raise click.UsageError("Nothing to change: give --description, --tag or --remove-tag.")
    with invocation.connect() as registry:
        changed: Version | Model
        if of_model:
            changed = registry.update_model(selector, description=description, tags=labels, etag=etag or "")
        else:
            changed = registry.update(selector, description=description, tags=labels, etag=etag or "")
    one(changed, json=invocation.json, human=lambda each: say(f"Changed {_name(invocation, each)}"))


@verb("metrics")
@click.argument("selector", type=to_text)
@click.option("--key", type=to_text, metavar="NAME", help="Only this metric.")
def metrics(invocation: Invocation, selector: str, key: str | None) -> None:
    """List every measured value of a version, oldest first."""
    with invocation.connect() as registry:
        _list(invocation, registry.metrics(selector, key or ""))


@verb("add-metrics")
@click.argument("selector", type=to_text)
@click.argument("values", nargs=-1, required=True, type=to_metric, metavar="KEY=NUMBER...")
@click.option("--step", default="0", type=to_number, metavar="NUMBER", help="Training step of the values.")
@click.option("--dataset", type=to_text, metavar="NAME", help="Data set they were measured on.")
def add_metrics(
    invocation: Invocation,
    selector: str,
    values: tuple[tuple[str, float], ...],
    step: int,
    dataset: str | None,
) -> None:
    """Add measured values to a version, all or none."""
    measured = [Metric(key, value, step, dataset or "") for key, value in once(values, "Metric").items()]
    with invocation.connect() as registry:
        added = registry.add_metrics(selector, measured)
        _list(invocation, added)


@verb("delete")
@click.argument("selector", type=to_text)
@_MODEL
@_ETAG
def delete(invocation: Invocation, selector: str, of_model: bool, etag: str | None) -> None:
    """Delete a version, or a model with all versions, for good.

    Records, digests and history stay; numbers and names are never used again. A version that is current in a
    stage, or parent of another that is not deleted, cannot go.
    """
    if not of_model and "@" not in selector and "/versions/" not in selector:
        raise click.UsageError(
            f"Say which version of {selector} is to go, as in {selector}@1, or --model for all of them."
        )
    with invocation.connect() as registry:
        deleted: Version | Model
        if of_model:
            deleted = registry.delete_model(selector, etag=etag or "")
        else:
            deleted = registry.delete_version(selector, etag=etag or "")
    one(deleted, json=invocation.json, human=lambda each: say(f"Deleted {_name(invocation, each)}"))


def _name(invocation: Invocation, changed: Version | Model) -> str:
    return (
        invocation.version(changed.name) if isinstance(changed, Version) else invocation.model(changed.name)
    )


def _list(invocation: Invocation, measured: Iterable[Metric]) -> None:
    many(
        map(_Measured, measured),
        json=invocation.json,
        columns=("METRIC", "VALUE", "STEP", "DATA SET", "MEASURED", "BY"),
        row=lambda each: (
            each.metric.key,
            number(each.metric.value),
            str(each.metric.step or ""),
            each.metric.dataset,
            when(each.metric.measure_time),
            each.metric.reporter,
        ),
        none="The version has no such values.",
    )


@dataclass(frozen=True, slots=True)
class _Measured:
    """A metric the registry answered with, which has its message."""

    metric: Metric

    @property
    def message(self) -> Message:
        if self.metric.message is None:
            raise TypeError("this metric was made here and not read from the registry")
        return self.metric.message
