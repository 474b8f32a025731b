"""A version as a model card: Markdown for people, with a YAML head for programs.

The head has the members that https://huggingface.co/docs/hub/model-cards describes, as far as the registry knows
them, and everything of the registry's own under ``muniment``. Text that people recorded is text here, never
markup.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from muniment_core.domain.catalog import MetricValue, VersionRecord
from muniment_core.domain.ledger import format_time

from muniment_metadata.described import Described, number_text
from muniment_metadata.markup import Yaml, as_paragraphs, in_line, table, yaml_document

MAX_FILES = 200
"""A card is read by people; the bill of materials lists thousands."""


def model_card(described: Described) -> str:
    """The document."""
    version = described.version
    sections = [
        f"# {in_line(version.name.model)}, version {version.name.number}",
        as_paragraphs(version.description),
        *_section("Identity", _identity(version)),
        *_section("Metrics", _metrics(version)),
        *_section("Data sets", _datasets(version)),
        *_section("Parameters", _pairs(version.frozen.params.items())),
        *_section("Made from", _ancestry(described)),
        *_section("Made by", _making(version)),
        *_section("Tags", _pairs(sorted(version.tags.items()))),
        *_section("Files", _files(described)),
    ]
    body = "\n\n".join(section for section in sections if section)
    return f"---\n{yaml_document(_head(described))}---\n\n{body}\n"


def _head(described: Described) -> dict[str, Yaml]:
    version = described.version
    return {
        "model_name": version.name.model,
        "tags": [f"{key}:{value}" if value else key for key, value in sorted(version.tags.items())],
        "datasets": list(dict.fromkeys(dataset.name for dataset in version.frozen.datasets)),
        "metrics": [metric.key for metric in version.metrics],
        "base_model": list(dict.fromkeys(parent.version.text for parent in described.parents)),
        "model-index": [_results(version)] if version.metrics else [],
        "muniment": {
            "version": version.name.text,
            "number": version.name.number,
            "digest": version.digest,
            "state": version.state.value,
            "stages": list(version.stages),
            "aliases": list(version.aliases),
            "author": version.author,
            "create_time": format_time(version.create_time),
            "create_revision": version.create_revision,
        },
    }


def _results(version: VersionRecord) -> dict[str, Yaml]:
    by_dataset: dict[str, list[MetricValue]] = defaultdict(list)
    for metric in version.metrics:
        by_dataset[metric.dataset].append(metric)
    return {
        "name": version.name.model,
        "results": [
            {
                "task": {"type": "other"},
                "dataset": {"name": dataset or "not told", "type": "other"},
                "metrics": [{"type": metric.key, "value": metric.value} for metric in metrics],
            }
            for dataset, metrics in sorted(by_dataset.items())
        ],
    }


def _section(title: str, lines: Iterable[str]) -> list[str]:
    text = "\n".join(lines)
    return [f"## {title}", text] if text else []


def _identity(version: VersionRecord) -> list[str]:
    facts = {
        "version": f"`{version.name.text}`",
        "digest": f"`{version.digest}`",
        "state": version.state.value,
        "size": f"{version.size_bytes:,} bytes in {version.file_count:,} "
        f"{'file' if version.file_count == 1 else 'files'}",
        "stages": ", ".join(map(in_line, version.stages)),
        "aliases": ", ".join(map(in_line, version.aliases)),
        "created": f"{format_time(version.create_time)} by {in_line(version.author)}, "
        f"ledger revision {version.create_revision}",
    }
    return table(("", ""), ((label, value) for label, value in facts.items() if value))


def _metrics(version: VersionRecord) -> list[str]:
    return table(
        ("metric", "value", "data set", "step", "reported by"),
        (
            (
                in_line(metric.key),
                in_line(number_text(metric.value)),
                in_line(metric.dataset),
                str(metric.step or ""),
                in_line(metric.reporter),
            )
            for metric in version.metrics
        ),
    )


def _datasets(version: VersionRecord) -> list[str]:
    return table(
        ("name", "version", "served for", "digest", "address"),
        (
            (
                in_line(dataset.name),
                in_line(dataset.version),
                in_line(dataset.role),
                f"`{dataset.digest}`" if dataset.digest else "",
                in_line(dataset.uri),
            )
            for dataset in version.frozen.datasets
        ),
    )


def _pairs(pairs: Iterable[tuple[str, str | float]]) -> list[str]:
    return table(
        ("name", "value"),
        (
            (in_line(key), in_line(value if isinstance(value, str) else number_text(value)))
            for key, value in pairs
        ),
    )


def _ancestry(described: Described) -> Iterator[str]:
    relations = {parent.version: parent.relation.value for parent in described.parents}
    for node, distance in described.ancestors:
        how = relations.get(node.name, "") if distance == 1 else f"{distance} steps back"
        yield f"- `{node.name.text}` ({how})" if how else f"- `{node.name.text}`"
    if described.hidden_ancestors:
        yield f"- {described.hidden_ancestors} more in projects that are not disclosed"
    if described.more_ancestors:
        yield "- and more than are listed here"


def _making(version: VersionRecord) -> Iterator[str]:
    frozen = version.frozen
    facts: list[tuple[str, str]] = []
    if frozen.code:
        dirty = " with uncommitted changes" if frozen.code.dirty else ""
        facts += [
            ("repository", frozen.code.repository),
            ("commit", frozen.code.commit + dirty if frozen.code.commit else ""),
            ("entry point", frozen.code.entry_point),
        ]
    if frozen.run:
        facts += [("run", frozen.run.id), ("run address", frozen.run.uri)]
    if frozen.environment:
        where = frozen.environment
        facts += [("python", where.python), ("platform", where.platform), ("host", where.host)]
        facts.append(("packages", str(len(where.packages)) if where.packages else ""))
    yield from (f"- {label}: {in_line(value)}" for label, value in facts if value)
    for index, step in enumerate(frozen.processing_steps, 1):
        told = f"{step.name}: {step.description}" if step.description else step.name
        yield f"- step {index}: {in_line(told)}"


def _files(described: Described) -> list[str]:
    more = len(described.files) - MAX_FILES
    listed = table(
        ("path", "bytes", "digest"),
        ((in_line(file.path), f"{file.size:,}", f"`{file.digest}`") for file in described.files[:MAX_FILES]),
    )
    return [*listed, "", f"and {more:,} more"] if more > 0 else listed
