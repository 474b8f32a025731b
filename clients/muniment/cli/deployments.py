"""``muniment deployments``."""

from __future__ import annotations

import click

from muniment.cli.filters import explain_nothing, or_else
from muniment.cli.invocation import Invocation
from muniment.cli.output import many
from muniment.cli.parameters import to_text
from muniment.cli.text import short, when
from muniment.cli.verb import verb


@verb("deployments")
@click.argument("model", type=to_text, required=False)
def deployments(invocation: Invocation, model: str | None) -> None:
    """Show what deployment controllers say they run."""
    with invocation.connect() as registry:
        many(
            or_else(registry.deployments(model), lambda: explain_nothing(registry, model=model)),
            json=invocation.json,
            columns=(
                "DEPLOYMENT",
                "MODEL",
                "STAGE",
                "VERSION",
                "STATE",
                "DIGEST",
                "REVISION",
                "REPORTED",
                "MESSAGE",
            ),
            row=lambda deployment: (
                deployment.target,
                invocation.model(deployment.model),
                deployment.stage,
                str(deployment.number or ""),
                deployment.state,
                short(deployment.digest),
                str(deployment.acted_revision),
                when(deployment.report_time),
                deployment.status_message,
            ),
            none="No controller has reported anything.",
        )
