"""``muniment pull``."""

from __future__ import annotations

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import one, say
from muniment.cli.parameters import to_path, to_text
from muniment.cli.text import size
from muniment.cli.verb import verb
from muniment.values import Version


@verb("pull")
@click.argument("selector", type=to_text)
@click.argument("into", type=to_path)
@click.option("--overwrite", is_flag=True, help="Replace INTO if it holds something.")
@click.option("--quiet", is_flag=True, help="No progress; print nothing.")
def pull(invocation: Invocation, selector: str, into: str, overwrite: bool, quiet: bool) -> None:
    """Fetch the files of a version into directory INTO.

    They are checked against their digests. INTO appears whole or not at all. What is in the cache is not fetched:
    a version that was pulled before needs no registry when SELECTOR names its digest.
    """
    with invocation.connect() as registry:
        version = registry.resolve(selector)
        silent = quiet or invocation.json
        where = registry.pull(version, into, overwrite=overwrite, progress=False if silent else None)

    def tell(pulled: Version) -> None:
        if not quiet:
            name = invocation.version(pulled.name)
            say(f"Fetched {name} into {where}: {size(pulled.size_bytes)}, {pulled.digest}")

    one(version, json=invocation.json, human=tell)
