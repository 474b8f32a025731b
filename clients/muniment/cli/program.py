"""The command itself: options every verb knows, and how failures end."""

from __future__ import annotations

import errno
from collections.abc import Callable

import click

from muniment.cli.invocation import connection_options, json_option
from muniment.cli.text import neutral
from muniment.errors import MunimentError

INTERRUPTED = 130
"""What shells report for a program that Ctrl-C ended."""

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class _Program(click.Group):
    """Says what failed in a sentence; lists verbs in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except MunimentError as error:
            raise click.ClickException(neutral(error.diagnostics())) from error
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None
        except OSError as error:
            # click ends quietly when nobody reads on. What the SDK does with files it reports itself, so
            # anything else is the output that cannot be written.
            if error.errno == errno.EPIPE:
                raise
            raise click.ClickException(f"{error.filename or 'standard output'}: {error.strerror}") from error


@click.group(cls=_Program, context_settings=_SETTINGS)
@click.version_option(package_name="muniment")
@connection_options
def program() -> None:
    """Store models, promote them, and see who did what.

    A SELECTOR names a version: [PROJECT/]MODEL[@VERSION], where VERSION is a number, a stage, an alias, latest
    or sha256:DIGEST; for example churn, churn@7, churn@production, risk/churn@champion.

    Exit status: 0 done, 1 refused or failed, 2 wrong usage.
    """


def verb(name: str, *, of: click.Group = program) -> Callable[[Callable[..., None]], click.Command]:
    """Add a verb. Its function is called with the :class:`~muniment.cli.invocation.Invocation` and its own options."""

    def add(function: Callable[..., None]) -> click.Command:
        return of.command(name)(connection_options(json_option(click.pass_obj(function))))

    return add


def group(name: str, summary: str) -> click.Group:
    """Add a group of verbs."""
    created = click.Group(name, help=summary)
    connection_options(created)
    program.add_command(created)
    return created
