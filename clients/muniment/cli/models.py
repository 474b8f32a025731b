"""``muniment models``."""

from __future__ import annotations

from muniment.cli.invocation import Invocation
from muniment.cli.output import many
from muniment.cli.text import some, when
from muniment.cli.verb import verb


@verb("models")
def models(invocation: Invocation) -> None:
    """List the models of the project."""
    with invocation.connect() as registry:
        many(
            registry.models(),
            json=invocation.json,
            columns=("MODEL", "LATEST", "IN STAGES", "CREATED", "BY", "DESCRIPTION"),
            row=lambda model: (
                invocation.model(model.name),
                str(model.latest_number or ""),
                some(f"{pointer.stage}={pointer.number}" for pointer in model.stages),
                when(model.create_time),
                model.creator,
                model.description,
            ),
            none="The project has no models; 'muniment push MODEL PATH' stores the first.",
        )
