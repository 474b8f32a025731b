"""``muniment export``."""

from __future__ import annotations

from pathlib import Path

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import one, say
from muniment.cli.parameters import to_path, to_text
from muniment.cli.text import neutral, size
from muniment.cli.verb import verb
from muniment.values import Document
from muniment.values.document import ExportFormat


@verb("export")
@click.argument("selector", type=to_text)
@click.option(
    "--format",
    "export_format",
    required=True,
    type=click.Choice(["cyclonedx", "card"]),
    help="A CycloneDX bill of materials (JSON) or a model card (Markdown).",
)
@click.option(
    "-o",
    "--output",
    type=to_path,
    metavar="FILE",
    help="Where to write it; to standard output if not given.",
)
def export(invocation: Invocation, selector: str, export_format: ExportFormat, output: str | None) -> None:
    """Write what is recorded of a version as a document."""
    with invocation.connect() as registry:
        document = registry.export(selector, format=export_format)
    if output is not None:
        try:
            Path(output).write_bytes(document.content)
        except OSError as error:
            # That the disk is full tells no name.
            raise click.ClickException(neutral(f"{output}: {error.strerror}")) from error

    def tell(written: Document) -> None:
        if output is None:
            click.echo(written.content, nl=False)
        else:
            say(f"Wrote {output}: {size(len(written.content))}")

    one(document, json=invocation.json, human=tell)
