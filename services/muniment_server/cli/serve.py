"""``muniment-server serve``."""

from __future__ import annotations

from typing import Any

import click
import uvloop
from muniment_promotion.watch.tail import LedgerTail

from muniment_server.core import running_core
from muniment_server.logs import set_up_logs
from muniment_server.memory import keep_freed_memory
from muniment_server.server import check_listen
from muniment_server.server import serve as serve_until_stopped
from muniment_server.settings import serve_options, serve_settings, storage_settings
from muniment_server.telemetry import set_up_telemetry


@click.command()
@serve_options
def serve(**values: Any) -> None:
    """Serve the registry, all of it in one process unless told otherwise.

    Without any option it keeps everything in the data directory. It prints 'serving on HOST:PORT' when
    calls are answered, and ends in good order on SIGTERM or SIGINT.
    """
    keep_freed_memory()
    storage, settings = storage_settings(values), serve_settings(values)
    check_listen(settings.listen, insecure=settings.insecure)
    set_up_logs()
    tails: list[LedgerTail] = []

    def committed(entries: object) -> None:
        for tail in tails:
            tail.committed(entries)

    with set_up_telemetry(), running_core(storage, on_commit=committed, keep_signed=True) as core:
        uvloop.run(
            serve_until_stopped(
                core,
                storage,
                settings,
                tail_of=tails.append,
                ready=lambda address: click.echo(f"serving on {address}"),
            )
        )
