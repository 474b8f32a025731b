"""``muniment diff``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import grid, one, say
from muniment.cli.parameters import to_text
from muniment.cli.text import number, short, size
from muniment.cli.verb import verb
from muniment.values import Code, ComparedFile, Comparison, Dataset, Difference, FileCounts, Metric, Parent

T = TypeVar("T")
Row = tuple[str, ...]

_MARKS = {"EQUAL": " ", "ADDED": "+", "REMOVED": "-", "CHANGED": "~"}
_WIDEST = 60
"""Longer texts are cut: two of them have to stand beside each other. --json has them whole."""


@verb("diff")
@click.argument("a", type=to_text)
@click.argument("b", type=to_text)
@click.option("--all", "everything", is_flag=True, help="Also what is equal.")
def diff(invocation: Invocation, a: str, b: str, everything: bool) -> None:
    """Compare versions A and B, both selectors.

    Told are digest and size, metrics, parameters, data sets, parents, code, run, environment, packages, tags and
    files, each if it differs: + only B has it, - only A has it, ~ both have it and it is not the same.
    """
    with invocation.connect() as registry:
        comparison = registry.diff(a, b, include_equal=everything)

    def tell(found: Comparison) -> None:
        rows = _rows(invocation, found)
        names = [invocation.version(side.name) for side in (found.a, found.b)]
        if not rows:
            say(f"{names[0]} and {names[1]} do not differ.")
            return
        grid([("", *names), *rows])
        if found.file_counts is None:
            say("The list of files of a deleted version was collected: files are not compared.")

    one(comparison, json=invocation.json, human=tell)


def _rows(invocation: Invocation, found: Comparison) -> list[Row]:
    def parent(edge: Parent) -> str:
        return (
            f"{invocation.version(edge.version) or 'in a project you may not read'} ({edge.relation.lower()})"
        )

    return [
        *_head(found),
        *_section("metrics", found.metrics, _metric),
        *_section("params", found.params, number),
        *_section("datasets", found.datasets, _dataset, key=lambda each: each.name),
        *_section("parents", found.parents, parent),
        *_section("code", [found.code] if found.code else [], _code),
        *_section("run", [found.run] if found.run else [], lambda run: run.id),
        *_section("environment", found.environment, str),
        *_section("packages", found.packages, str),
        *_section("tags", found.tags, str),
        *_section(_files(found.file_counts), found.files, _file),
    ]


def _head(found: Comparison) -> list[Row]:
    if found.a.digest == found.b.digest:
        return []
    rows: list[Row] = [
        ("~ digest", short(found.a.digest), short(found.b.digest)),
        ("~ size", size(found.a.size_bytes), size(found.b.size_bytes)),
    ]
    return rows if found.a.size_bytes != found.b.size_bytes else rows[:1]


def _section(
    title: str,
    differences: Iterable[Difference[T]],
    tell: Callable[[T], str],
    *,
    key: Callable[[T], str] = lambda _: "",
) -> list[Row]:
    rows: list[Row] = []
    for each in differences:
        known = each.a if each.a is not None else each.b
        name = each.key or (key(known) if known is not None else "")
        sides = ("" if side is None else _cut(tell(side)) for side in (each.a, each.b))
        less = (f"{each.less:+.6g}",) if each.less else ()
        rows.append((f"  {_MARKS.get(each.kind, '?')} {_cut(name)}".rstrip(), *sides, *less))
    return [(title,), *rows] if rows else []


def _metric(metric: Metric) -> str:
    return number(metric.value) + (f" on {metric.dataset}" if metric.dataset else "")


def _dataset(dataset: Dataset) -> str:
    told = (dataset.version, f"({dataset.role})", short(dataset.digest), dataset.uri)
    return " ".join(filter(None, told))


def _code(code: Code) -> str:
    dirty = "with uncommitted changes" if code.dirty else ""
    return " ".join(filter(None, (code.entry_point, code.repository, code.commit[:12], dirty)))


def _file(file: ComparedFile) -> str:
    return f"{size(file.size_bytes)} {short(file.digest)}"


def _files(counts: FileCounts | None) -> str:
    if counts is None:
        return "files"
    told = ((counts.added, "added"), (counts.removed, "removed"), (counts.changed, "changed"))
    listed = [f"{count:,} {word}" for count, word in told if count]
    return f"files: {', '.join([*listed, f'{counts.equal:,} equal'])}; {size(counts.new_bytes)} new"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDEST else line[: _WIDEST - 1] + "…"
