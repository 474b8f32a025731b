"""``muniment du``, ``archive`` and ``restore``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import many, one, say
from muniment.cli.parameters import to_prose, to_text
from muniment.cli.text import size
from muniment.cli.verb import verb

if TYPE_CHECKING:
    from muniment.registry.client import Registry
    from muniment.values import Usage


@verb("du")
@click.argument("name", type=to_text, required=False)
def du(invocation: Invocation, name: str | None) -> None:
    """Tell how much space models take.

    All of the project's and their sum; or a MODEL, or with @ the version of a SELECTOR.

    STORED counts what versions have in common once; SHARED is the part of it that other versions need as well;
    ARCHIVED is what is in the cold tier.
    """
    with invocation.connect() as registry:
        many(
            _usages(registry, name),
            json=invocation.json,
            columns=("NAME                ", "VERSIONS", "FILES    ", "STORED   ", "SHARED   ", "ARCHIVED "),
            row=lambda usage: (
                _short(invocation, usage.name),
                str(usage.version_count),
                size(usage.logical_bytes),
                size(usage.stored_bytes),
                size(usage.shared_bytes),
                size(usage.archived_bytes),
            ),
            none="",
        )


_REASON = click.option("--reason", default="", type=to_prose, metavar="TEXT", help="Why; kept in the ledger.")
_AFTERWARDS = {
    "COLD": "its bytes move to the cold tier when the registry collects next after its grace period",
    "DROPPED": "its bytes are given up when the registry collects next after its grace period",
}


@verb("archive")
@click.argument("selector", type=to_text)
@_REASON
def archive(invocation: Invocation, selector: str, reason: str) -> None:
    """Save the space of a version that is not needed at hand.

    Its record, digests, lineage and history stay. Until 'muniment restore' it cannot be promoted.
    """
    with invocation.connect() as registry:
        afterwards = "" if invocation.json else _AFTERWARDS[registry.archived_bytes()]
        version = registry.archive(selector, reason=reason)
    one(
        version,
        json=invocation.json,
        human=lambda made: say(f"{invocation.version(made.name)} is archived; {afterwards}"),
    )


@verb("restore")
@click.argument("selector", type=to_text)
@_REASON
def restore(invocation: Invocation, selector: str, reason: str) -> None:
    """Bring an archived version back.

    Every byte of it is read before it is READY, which takes as long as copying them from the cold tier.
    """
    with invocation.connect() as registry:
        version = registry.restore(selector, reason=reason)
    one(
        version,
        json=invocation.json,
        human=lambda made: say(f"{invocation.version(made.name)} is READY again; all its bytes were read"),
    )


def _usages(registry: Registry, name: str | None) -> Iterator[Usage]:
    if name:
        yield registry.usage(name)
        return
    for model in registry.models():
        yield registry.usage(model.name)
    yield registry.usage()


def _short(invocation: Invocation, name: str) -> str:
    """A name as it is typed; that of the project stands in the last line, as it is."""
    return invocation.version(name) if "/versions/" in name else invocation.model(name)
