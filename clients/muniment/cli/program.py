"""The command itself: its verbs, and how failures end."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from muniment.cli.access import token, whoami
from muniment.cli.aliases import alias
from muniment.cli.cache import cache
from muniment.cli.changes import add_metrics, delete, metrics, update
from muniment.cli.deployments import deployments
from muniment.cli.diff import diff
from muniment.cli.export import export
from muniment.cli.ledger import audit, watch
from muniment.cli.lineage import lineage
from muniment.cli.models import models
from muniment.cli.predictions import predictions, receipt, trace
from muniment.cli.projects import project
from muniment.cli.pull import pull
from muniment.cli.push import push
from muniment.cli.scan import scan
from muniment.cli.search import search
from muniment.cli.signature import verify_signature
from muniment.cli.space import archive, du, restore
from muniment.cli.stages import history, promote, rollback, stages
from muniment.cli.tensors import tensors
from muniment.cli.text import neutral
from muniment.cli.verb import with_connection
from muniment.cli.verify import verify
from muniment.cli.versions import show, versions
from muniment.errors import MunimentError

INTERRUPTED = 130
"""What shells report for a program that Ctrl-C ended."""

VERBS = (
    push,
    pull,
    models,
    versions,
    show,
    scan,
    tensors,
    search,
    diff,
    lineage,
    export,
    update,
    metrics,
    add_metrics,
    delete,
    alias,
    promote,
    rollback,
    stages,
    history,
    watch,
    deployments,
    archive,
    restore,
    predictions,
    trace,
    receipt,
    verify,
    verify_signature,
    audit,
    cache,
    du,
    project,
    token,
    whoami,
)
"""In the order in which --help lists them: as a model goes through them."""


class _Program(click.Group):
    """Says what failed in a sentence."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # It is here that --help and --version print.
        with _sentences():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        with _sentences():
            return super().invoke(ctx)


@contextmanager
def _sentences() -> Iterator[None]:
    """End by a sentence, whatever fails."""
    try:
        yield
    except MunimentError as error:
        raise click.ClickException(neutral(error.diagnostics())) from error
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None
    except OSError as error:
        # click ends quietly when nobody reads on. What the SDK does with files it reports itself, so
        # anything else is the output that cannot be written.
        if error.errno == errno.EPIPE:
            raise
        if error.filename is None:
            _give_up_on_output()
        raise click.ClickException(f"{error.filename or 'standard output'}: {error.strerror}") from error


def _give_up_on_output() -> None:
    """Send what is still buffered nowhere: Python would fail on it again, and say so, at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="muniment")
def program() -> None:
    """Store models, promote them, and see who did what.

    A SELECTOR names a version: [PROJECT/]MODEL[@VERSION], where VERSION is a number, a stage, an alias, latest
    or sha256:DIGEST; for example churn, churn@7, churn@production, risk/churn@champion.

    Exit status: 0 done, 1 refused or failed, 2 wrong usage.
    """


with_connection(program)
for command in VERBS:
    program.add_command(command)
