"""What makes a function a verb."""

from __future__ import annotations

from collections.abc import Callable

import click

from muniment.cli.invocation import CONNECTION_OPTIONS, JSON_OPTION


def verb(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make a function a verb: it is called with the invocation and with the verb's own parameters."""

    def make(function: Callable[..., None]) -> click.Command:
        return with_connection(JSON_OPTION(click.command(name)(click.pass_obj(function))))

    return make


def group(name: str, summary: str, *verbs: click.Command) -> click.Command:
    """Gather verbs under a word of their own."""
    return with_connection(click.Group(name, list(verbs), help=summary))


def with_connection(command: click.Command) -> click.Command:
    """Add the options that say where the registry is, after the command's own."""
    for option in CONNECTION_OPTIONS:
        option(command)
    return command
