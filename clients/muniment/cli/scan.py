"""``muniment scan``, and how an inspection is told."""

from __future__ import annotations

from collections.abc import Iterator

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import one, view
from muniment.cli.parameters import to_text
from muniment.cli.text import size
from muniment.cli.verb import verb
from muniment.values import InspectedFile, Inspection, TensorFacts

_SHOWN_FILES = 20


@verb("scan")
@click.argument("selector", type=to_text)
@click.option("--again", is_flag=True, help="Look once more into files that could not be looked into.")
def scan(invocation: Invocation, selector: str, again: bool) -> None:
    """Tell what the files of a version are and may do.

    The registry looks into them, with picklescan and fickling where loading them may run code, and loads nothing.
    Exit status 1 unless the verdict is CLEAN.
    """
    with invocation.connect() as registry:
        version = registry.show(selector)
        inspection = registry.inspect(version, again=again)

    def tell(found: Inspection) -> None:
        view(
            invocation.version(version.name),
            (
                ("digest", found.digest),
                ("verdict", found.verdict),
                ("rules", found.ruleset),
                ("tensors", tensors_line(found.tensors) if found.tensors else ""),
                ("files", [line for file in found.files for line in _lines(file)]),
            ),
        )

    one(inspection, json=invocation.json, human=tell)
    if inspection.verdict != "CLEAN":
        raise click.exceptions.Exit(1)


def formats_line(inspection: Inspection) -> str:
    """How many files of which format."""
    counts: dict[str, int] = {}
    for file in inspection.files:
        counts[file.format] = counts.get(file.format, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in sorted(counts.items(), key=lambda item: -item[1]))


def tensors_line(tensors: TensorFacts) -> str:
    """What headers tell, in one line."""
    dtypes = sorted(tensors.parameters_by_dtype.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{dtype} {count:,}" for dtype, count in dtypes[:4])
    return f"{tensors.parameter_count:,} parameters in {tensors.tensor_count:,} tensors ({shown})"


def faults(inspection: Inspection) -> list[str]:
    """The worst thing about each file that is not clean, the first few of them."""
    bad = [file for file in inspection.files if file.verdict != "CLEAN"]
    lines = [f"{file.path}: {file.verdict}: {_worst(file)}" for file in bad[:_SHOWN_FILES]]
    return [*lines, f"and {len(bad) - _SHOWN_FILES} more"] if len(bad) > _SHOWN_FILES else lines


def _worst(file: InspectedFile) -> str:
    if file.findings:
        finding = file.findings[0]
        return f"{finding.what} ({finding.scanner})"
    return file.fault


def _lines(file: InspectedFile) -> Iterator[str]:
    yield f"{file.path}: {file.format}, {size(file.size)}, {file.verdict}"
    if file.fault:
        yield f"  {file.fault}"
    for finding in file.findings:
        member = f"{finding.member}: " if finding.member else ""
        yield f"  {finding.verdict}: {member}{finding.what} ({finding.scanner})"
