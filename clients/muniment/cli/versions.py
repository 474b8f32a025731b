"""``muniment versions`` and ``muniment show``."""

from __future__ import annotations

from datetime import datetime

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import many, one, view
from muniment.cli.parameters import to_moment, to_text
from muniment.cli.scan import faults, formats_line, tensors_line
from muniment.cli.text import number, pairs, short, size, some, when
from muniment.cli.verb import verb
from muniment.errors import DeadlineExceeded, MunimentError
from muniment.values import Code, Dataset, Environment, Inspection, Metric, Signature, Version

_INSPECTION_SECONDS = 20.0


@verb("versions")
@click.argument("model", type=to_text)
@click.option("--deleted", is_flag=True, help="Deleted versions as well.")
def versions(invocation: Invocation, model: str, deleted: bool) -> None:
    """List the versions of MODEL, newest first."""
    with invocation.connect() as registry:
        many(
            registry.versions(model, show_deleted=deleted),
            json=invocation.json,
            columns=("VERSION", "STATE", "STAGES", "ALIASES", "METRICS", "SIZE", "DIGEST", "CREATED", "BY"),
            row=lambda version: (
                str(version.number),
                version.state,
                some(version.stages),
                some(version.aliases),
                some(f"{metric.key}={number(metric.value)}" for metric in version.metrics),
                size(version.size_bytes),
                short(version.digest),
                when(version.create_time),
                version.author,
            ),
            none="The model has no versions.",
        )


@verb("show")
@click.argument("selector", type=to_text)
@click.option("--packages", is_flag=True, help="Also list the packages it was made with.")
@click.option(
    "--at",
    type=to_moment,
    metavar="MOMENT",
    help="What SELECTOR meant then: a revision, or a date like 2027-03-03T14:00 (UTC).",
)
def show(invocation: Invocation, selector: str, packages: bool, at: datetime | int | None) -> None:
    """Show what is recorded of a version."""
    inspection: Inspection | None = None
    unknown = root = ""
    with invocation.connect() as registry:
        version = registry.show(selector, at=at)
        if not invocation.json and version.state != "DELETED":
            try:
                inspection = registry.inspect(version, wait=_INSPECTION_SECONDS)
            except DeadlineExceeded:
                unknown = "the files are being looked into: 'muniment scan' waits for it"
            except MunimentError as error:
                unknown = error.message
            try:
                root = inspection.root_digest if inspection else registry.root_digest(version)
            except MunimentError as error:
                unknown = error.message

    def tell(shown: Version) -> None:
        listed = shown.environment.packages.items() if packages and shown.environment else ()
        files = "1 file" if shown.file_count == 1 else f"{shown.file_count} files"
        view(
            invocation.version(shown.name),
            (
                ("digest", shown.digest),
                ("root digest", root),
                ("state", shown.state),
                ("size", f"{size(shown.size_bytes)} in {files}"),
                ("formats", formats_line(inspection) if inspection else unknown),
                ("tensors", tensors_line(inspection.tensors) if inspection and inspection.tensors else ""),
                ("verdict", [inspection.verdict, *faults(inspection)] if inspection else ""),
                ("signature", signature_line(shown.signature) if shown.signature else ""),
                ("stages", ", ".join(shown.stages)),
                ("aliases", ", ".join(shown.aliases)),
                ("created", f"{when(shown.create_time)} by {shown.author}, revision {shown.create_revision}"),
                ("updated", when(shown.update_time) if shown.update_time != shown.create_time else ""),
                ("description", shown.description.splitlines()),
                ("tags", pairs(shown.tags)),
                ("metrics", [_metric(metric) for metric in shown.metrics]),
                ("params", pairs(shown.params)),
                ("datasets", [dataset_line(dataset) for dataset in shown.datasets]),
                (
                    "parents",
                    [
                        f"{invocation.version(edge.version)} ({edge.relation.lower()})"
                        for edge in shown.parents
                    ],
                ),
                ("code", code_line(shown.code) if shown.code else ""),
                ("run", f"{shown.run.id} {shown.run.uri}".strip() if shown.run else ""),
                ("steps", [": ".join(filter(None, (s.name, s.description))) for s in shown.processing_steps]),
                ("environment", _environment(shown.environment) if shown.environment else ""),
                ("packages", [f"{name} {installed}" for name, installed in sorted(listed)]),
            ),
        )

    one(version, json=invocation.json, human=tell)


def _metric(metric: Metric) -> str:
    step = f"step {metric.step}" if metric.step else ""
    where = ", ".join(filter(None, (f"on {metric.dataset}" if metric.dataset else "", step)))
    return f"{metric.key} = {number(metric.value)}" + (f" ({where})" if where else "")


def dataset_line(dataset: Dataset) -> str:
    """A data set in one line."""
    name = f"{dataset.name} {dataset.version}".strip()
    return " ".join(filter(None, (f"{name} ({dataset.role or 'train'})", dataset.digest, dataset.uri)))


def signature_line(signature: Signature) -> str:
    """Who signed, in one line; the registry verified it, and does not know whose key it is."""
    from muniment.signature import InvalidSignature, key_digest

    try:
        return f"verified at registration, by the key {key_digest(signature.public_key)}"
    except InvalidSignature as error:
        return f"by something that is no key: {error}"


def code_line(code: Code) -> str:
    """Code in one line."""
    commit = code.commit + (" with uncommitted changes" if code.dirty else "")
    return ", ".join(filter(None, (code.entry_point, code.repository, commit)))


def _environment(environment: Environment) -> str:
    count = len(environment.packages)
    python = f"Python {environment.python}" if environment.python else ""
    host = f"host {environment.host}" if environment.host else ""
    return ", ".join(filter(None, (python, environment.platform, host, f"{count} packages" if count else "")))
