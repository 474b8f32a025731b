"""``muniment push``."""

from __future__ import annotations

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import one, say
from muniment.cli.parameters import (
    once,
    to_dataset,
    to_metric,
    to_pair,
    to_param,
    to_parent,
    to_path,
    to_prose,
    to_step,
    to_text,
)
from muniment.cli.text import size
from muniment.cli.verb import verb
from muniment.errors import InvalidName, MunimentError
from muniment.names import InvalidName as NotAName
from muniment.names import check_pointer_name
from muniment.values import Dataset, Parent, ProcessingStep, Version


@verb("push")
@click.argument("model", type=to_text)
@click.argument("path", type=to_path)
@click.option(
    "--metric", "metrics", multiple=True, type=to_metric, metavar="KEY=NUMBER", help="A measured value."
)
@click.option(
    "--param",
    "params",
    multiple=True,
    type=to_param,
    metavar="KEY=VALUE",
    help="A parameter, number or text.",
)
@click.option("--tag", "tags", multiple=True, type=to_pair, metavar="KEY=VALUE", help="A free label.")
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    type=to_dataset,
    metavar="name=…,version=…,digest=…,uri=…,role=…",
    help="A data set it was trained or evaluated on; only name is needed.",
)
@click.option(
    "--parent",
    "parents",
    multiple=True,
    type=to_parent,
    metavar="SELECTOR[:RELATION]",
    help="A version it was made from: derived (default), finetuned, adapter, quantized, merged, distilled.",
)
@click.option("--description", default="", type=to_prose, metavar="TEXT", help="Free text.")
@click.option("--run", type=to_text, metavar="ID", help="The run that made it.")
@click.option(
    "--step",
    "steps",
    multiple=True,
    type=to_step,
    metavar="NAME[=TEXT]",
    help="What was done to data or model, in order.",
)
@click.option(
    "--alias", "alias_names", multiple=True, type=to_text, metavar="NAME", help="Alias to point to it."
)
@click.option(
    "--signature",
    type=to_path,
    metavar="FILE",
    help="A signature of the files, as 'model_signing sign key' writes it; needs --signature-key.",
)
@click.option("--signature-key", type=to_path, metavar="FILE", help="The public key that made it, in PEM.")
@click.option("--quiet", is_flag=True, help="No progress; print the selector of the version only.")
def push(
    invocation: Invocation,
    model: str,
    path: str,
    metrics: tuple[tuple[str, float], ...],
    params: tuple[tuple[str, str | float], ...],
    tags: tuple[tuple[str, str], ...],
    datasets: tuple[Dataset, ...],
    parents: tuple[Parent, ...],
    description: str,
    run: str | None,
    steps: tuple[ProcessingStep, ...],
    alias_names: tuple[str, ...],
    signature: str | None,
    signature_key: str | None,
    quiet: bool,
) -> None:
    """Store PATH as the next version of MODEL.

    PATH is a file or directory. The model is created if it does not exist. Code and environment are recorded as
    well. After a failure push again: what has arrived is not sent twice.
    """
    for name in alias_names:
        _check_alias(name)
    if (signature is None) != (signature_key is None):
        raise click.UsageError("--signature and --signature-key need each other.")
    measured, given, labels = once(metrics, "--metric"), once(params, "--param"), once(tags, "--tag")
    with invocation.connect() as registry:
        version = registry.push(
            model,
            path,
            metrics=measured,
            params=given,
            tags=labels,
            datasets=datasets,
            parents=parents,
            description=description,
            run=run,
            steps=steps,
            signature=signature,
            signature_key=signature_key,
            progress=False if quiet or invocation.json else None,
        )
        selector = invocation.version(version.name)
        try:
            of_model = version.name.rpartition("/versions/")[0]
            for name in alias_names:
                registry.alias(of_model, name, to=version)
            if alias_names:
                version = registry.show(version.name)
        except MunimentError as error:
            # The version stays. Without its name the next thing typed would be the same push again.
            error.message = f"{selector} is stored, but its alias is not set: {error.message}"
            raise

    def tell(pushed: Version) -> None:
        if quiet:
            say(selector)
            return
        aliases = f", now {', '.join(pushed.aliases)}" if alias_names else ""
        files = "1 file" if pushed.file_count == 1 else f"{pushed.file_count} files"
        say(f"Stored {selector}{aliases}: {files}, {size(pushed.size_bytes)}, {pushed.digest}")

    one(version, json=invocation.json, human=tell)


def _check_alias(name: str) -> None:
    """Refuse a name that cannot be an alias before anything is sent."""
    try:
        check_pointer_name("alias", name)
    except NotAName as error:
        raise InvalidName(str(error), "INVALID_NAME", {"field": error.kind, "value": error.value}) from None
