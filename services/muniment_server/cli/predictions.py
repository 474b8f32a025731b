"""``muniment-server predictions``: what the operator does about recorded predictions."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import click
from muniment_metadata.predictions.retention import expire_predictions

from muniment_server.blobs import open_prediction_bodies
from muniment_server.core import running_core
from muniment_server.settings import storage_options, storage_settings


@click.group()
def predictions() -> None:
    """Look after recorded predictions."""


@predictions.command()
@click.option(
    "--older-than",
    "days",
    type=click.IntRange(min=0, max=36_500),
    required=True,
    metavar="DAYS",
    help="Drop what was sealed longer ago.",
)
@storage_options
def expire(days: int, **values: Any) -> None:
    """Drop old predictions; run it again at will.

    The roots of their batches and the ledger's entries stay, so that receipts made before still verify. A server
    started with --prediction-days does the same by itself; an embedded registry must be stopped meanwhile.
    """
    settings = storage_settings(values)
    with running_core(settings) as core:
        bodies = open_prediction_bodies(settings)
        dropped = asyncio.run(expire_predictions(core.execution, bodies, older_than=timedelta(days=days)))
    click.echo(f"dropped {dropped} {'batch' if dropped == 1 else 'batches'} of predictions")
