"""``muniment du``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import many
from muniment.cli.parameters import to_text
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

    STORED counts what versions have in common once; SHARED is the part of it that other versions need as well.
    """
    with invocation.connect() as registry:
        many(
            _usages(registry, name),
            json=invocation.json,
            columns=("NAME                ", "VERSIONS", "FILES    ", "STORED   ", "SHARED   "),
            row=lambda usage: (
                _short(invocation, usage.name),
                str(usage.version_count),
                size(usage.logical_bytes),
                size(usage.stored_bytes),
                size(usage.shared_bytes),
            ),
            none="",
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
