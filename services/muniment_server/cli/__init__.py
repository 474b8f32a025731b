"""The ``muniment-server`` command."""

from __future__ import annotations

import errno
import os

import click
from muniment.names import InvalidName
from muniment_artifact.blobs.store import UnusableStore
from muniment_artifact.collection.sweep import NotOurTurn
from muniment_core.db.database import UnusableDatabaseUrl
from muniment_core.db.integrity import domain_error_of
from muniment_core.db.schema import SchemaAhead, SchemaBehind
from muniment_core.domain.errors import DomainError, StorageUnavailable
from muniment_core.signing.key_file import UnusableKey
from muniment_core.signing.recovery import CannotRecover, NothingToRecover

from muniment_server.cli.fsck import fsck
from muniment_server.cli.gc import gc
from muniment_server.cli.key import key
from muniment_server.cli.migrate import migrate
from muniment_server.cli.predictions import predictions
from muniment_server.cli.recover import recover
from muniment_server.cli.serve import serve
from muniment_server.cli.token import token
from muniment_server.data_directory import DirectoryInUse
from muniment_server.server import CannotServe

_REFUSALS = (
    CannotRecover,
    CannotServe,
    DirectoryInUse,
    DomainError,
    InvalidName,
    NotOurTurn,
    NothingToRecover,
    SchemaAhead,
    SchemaBehind,
    UnusableDatabaseUrl,
    UnusableKey,
    UnusableStore,
)
_CAUSE_LENGTH = 500


class _Group(click.Group):
    """Says refusals in a sentence and exits 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except StorageUnavailable as error:
            # Callers are not told why, but whoever starts a server has to know.
            cause = " ".join(str(error.__cause__ or "").split())[:_CAUSE_LENGTH]
            raise click.ClickException(f"{error} ({cause})" if cause else str(error)) from error
        except _REFUSALS as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            # click ends quietly when nobody reads on.
            if error.errno == errno.EPIPE:
                raise
            if error.filename is None:
                _give_up_on_output()
            raise click.ClickException(": ".join(filter(None, (error.filename, error.strerror)))) from error
        except Exception as error:
            refusal = domain_error_of(error)
            if refusal is None:
                raise
            cause = str(error.__cause__ or "").strip().partition("\n")[0]
            raise click.ClickException(f"{refusal} ({cause})" if cause else str(refusal)) from error


def _give_up_on_output() -> None:
    """Send what is still buffered nowhere: it may be what failed, and Python would try again at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="muniment")
def main() -> None:
    """Run and look after a Muniment registry."""


main.add_command(serve)
main.add_command(migrate)
main.add_command(fsck)
main.add_command(gc)
main.add_command(predictions)
main.add_command(token)
main.add_command(key)
main.add_command(recover)
