"""``muniment project``."""

from __future__ import annotations

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import many, one, say
from muniment.cli.parameters import to_prose, to_text
from muniment.cli.text import last, when
from muniment.cli.verb import group, verb


@verb("create")
@click.argument("name", type=to_text)
@click.option("--description", default="", type=to_prose, metavar="TEXT", help="Free text.")
def create(invocation: Invocation, name: str, description: str) -> None:
    """Create a project."""
    with invocation.connect() as registry:
        one(
            registry.create_project(name, description),
            json=invocation.json,
            human=lambda created: say(
                f"Created project {last(created.name)}: {', then '.join(created.stages)}"
            ),
        )


@verb("list")
def list_(invocation: Invocation) -> None:
    """List the projects you have a role in."""
    with invocation.connect() as registry:
        many(
            registry.projects(),
            json=invocation.json,
            columns=("PROJECT", "STAGES", "CREATED", "DESCRIPTION"),
            row=lambda listed: (
                last(listed.name),
                ", ".join(listed.stages),
                when(listed.create_time),
                listed.description,
            ),
            none="You have a role in no project.",
        )


project = group("project", "Create and list projects.", create, list_)
