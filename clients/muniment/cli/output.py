"""What a verb prints: messages as JSON for programs, or tables and views for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from muniment.cli.text import neutral, width

if TYPE_CHECKING:
    from google.protobuf.message import Message

BATCH = 500
"""Rows that are aligned with each other. A log of any length is printed while it is read, in fixed memory."""

_GAP = "  "


class Answer(Protocol):
    """What the SDK answers with."""

    @property
    def message(self) -> Message: ...


A = TypeVar("A", bound=Answer)


def say(text: str) -> None:
    """Print a line for people."""
    click.echo(neutral(text))


def note(text: str) -> None:
    """Print a line for people on standard error, out of the way of what is piped on."""
    click.echo(neutral(text), err=True)


def one(answer: A, *, json: bool, human: Callable[[A], None]) -> None:
    """Print one answer."""
    if json:
        click.echo(_json(answer))
    else:
        human(answer)


def many(
    answers: Iterable[A],
    *,
    json: bool,
    columns: Sequence[str],
    row: Callable[[A], Sequence[str]],
    none: str,
    batch: int = BATCH,
) -> None:
    """Print answers as they come.

    Args:
        json: one object per line instead of a table.
        columns: titles; one ending in blanks makes its column at least that wide.
        row: the cells of an answer.
        none: what to tell people on standard error when there is no answer.
        batch: rows to align with each other; 1 prints each at once.
    """
    if json:
        for answer in answers:
            click.echo(_json(answer))
    elif not _table(columns, map(row, answers), batch):
        note(none)


def rows(columns: Sequence[str], cells: Iterable[Sequence[str]]) -> None:
    """Print a table of what the SDK tells without a message."""
    _table(columns, iter(cells), BATCH)


def view(title: str, fields: Iterable[tuple[str, str | Sequence[str]]]) -> None:
    """Print a title and what there is under each label; labels without anything are left out."""
    present = [(label, [value] if isinstance(value, str) else value) for label, value in fields]
    present = [(label, [line for line in lines if line]) for label, lines in present]
    present = [(label, lines) for label, lines in present if lines]
    margin = max((len(label) for label, _ in present), default=0)
    say(title)
    for label, lines in present:
        for index, line in enumerate(lines):
            say(f"{_GAP}{(label if index == 0 else ''):{margin}}{_GAP}{line}")


def grid(rows: Sequence[Sequence[str]]) -> None:
    """Print rows whose cells are aligned with each other; a row of one cell is a title and widens nothing."""
    cells = [[neutral(cell) for cell in row] for row in rows]
    aligned = [row for row in cells if len(row) > 1]
    columns = max(map(len, cells), default=0)
    widths = [max((width(row[at]) for row in aligned if at < len(row)), default=0) for at in range(columns)]
    for row in cells:
        padded = (cell + " " * (widths[at] - width(cell)) for at, cell in enumerate(row))
        click.echo(_GAP.join(padded).rstrip())


def _table(columns: Sequence[str], rows: Iterator[Sequence[str]], batch: int) -> bool:
    """Print rows under titles, each batch aligned; whether there were any."""
    widths = [len(title) for title in columns]
    titles: list[Sequence[str]] = [[title.strip() for title in columns]]
    # Whoever waits for events one by one should see at once what is going to come.
    lines = [] if batch > 1 else titles
    found = False
    while True:
        if lines:
            widths = [max(known, *(width(line[at]) for line in lines)) for at, known in enumerate(widths)]
        for line in lines:
            cells = (cell + " " * (widths[at] - width(cell)) for at, cell in enumerate(line))
            click.echo(_GAP.join(cells).rstrip())
        lines = [[neutral(cell) for cell in row] for row in islice(rows, batch)]
        if not lines:
            return found
        if not found and batch > 1:
            lines = [*titles, *lines]
        found = True


def _json(answer: Answer) -> str:
    from google.protobuf.json_format import MessageToJson

    # The option that prints a 0 and an empty text as well changed its name in protobuf 5.26.
    always = (
        "always_print_fields_with_no_presence"
        if "always_print_fields_with_no_presence" in MessageToJson.__code__.co_varnames
        else "including_default_value_fields"
    )
    options: dict[str, Any] = {always: True}
    return MessageToJson(answer.message, preserving_proto_field_name=True, indent=None, **options)
