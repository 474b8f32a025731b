"""Several statements in one trip to the database.

PostgreSQL takes longer over a trip than over most of what is done there, and the driver as long for each statement
of a pipeline. So what only writes is sent as one statement: each part of it a common table expression, with an
array for each column where it inserts many rows. Sixteen new versions were some 150 statements, and are two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import lru_cache
from typing import Any

from psycopg import RawCursor
from sqlalchemy import Connection
from sqlalchemy.sql.dml import Insert, Update

from muniment_core.db.prepared import Form, Prepared, Question, Rows, driver_of

_PARAMETER = re.compile(r"%\((\w+)\)s")
_KEPT_TEXTS = 256


def run_in_one_trip(connection: Connection, work: Sequence[Rows]) -> int:
    """Run statements without rows of their own, each for every row given, waiting for the database once.

    Returns:
        How many rows the last one of them touched.
    """
    work = [(statement, rows) for statement, rows in work if rows]
    if connection.dialect.name != "postgresql":
        return [int(statement.send(connection, rows).rowcount) for statement, rows in work][-1] if work else 0
    groups = _groups(work)
    with driver_of(connection).pipeline() if len(groups) > 1 else nullcontext():
        cursors = [_send_together(connection, group) for group in groups]
    return int(cursors[-1].rowcount) if cursors else 0


def read_in_one_trip(connection: Connection, questions: Sequence[Question]) -> list[list[Any]]:
    """The rows of several statements, waiting for the database once."""
    if connection.dialect.name != "postgresql" or len(questions) == 1:
        return [statement.all(connection, **values) for statement, values in questions]
    driver, dialect = driver_of(connection), connection.dialect
    forms = [statement.form(dialect) for statement, _ in questions]
    with driver.pipeline():
        cursors = [
            driver.execute(form.text, form.bound(values))
            for form, (_, values) in zip(forms, questions, strict=True)
        ]
    return [
        [form.read(cursor, dialect, raw) for raw in cursor]
        for form, cursor in zip(forms, cursors, strict=True)
    ]


def _groups(work: Sequence[Rows]) -> list[list[Rows]]:
    """What can be one statement: that must not touch a row twice, so a table stands in it once."""
    groups: list[list[Rows]] = []
    tables: set[object] = set()
    for statement, rows in work:
        table = _table(statement, rows)
        if not groups or table is None or None in tables or table in tables:
            groups.append([])
            tables = set()
        groups[-1].append((statement, rows))
        tables.add(table)
    return groups


def _table(prepared: Prepared, rows: Sequence[Mapping[str, Any]]) -> object | None:
    """The table that one statement changes for all the rows; None if it takes more than one, or reads others."""
    statement = prepared.statement
    if isinstance(statement, Insert) and prepared.is_plain_insert:
        return statement.table
    return statement.table if isinstance(statement, Update) and len(rows) == 1 else None


def _send_together(connection: Connection, group: Sequence[Rows]) -> Any:
    if len(group) == 1 and (len(group[0][1]) == 1 or _table(*group[0]) is None):
        statement, rows = group[0]
        return statement.send(connection, rows)
    parts, values = [], []
    for statement, rows in group:
        form, many = statement.form(connection.dialect), len(rows) > 1
        parts.append((form, many))
        values.append(form.bound_together(rows) if many else form.bound(rows[0]))
    text, places = _text(tuple(parts))
    # A text for the driver's own parameters would be read by it every time, as long as it is.
    return RawCursor(driver_of(connection)).execute(text, [values[at][name] for at, name in places])


@lru_cache(_KEPT_TEXTS)
def _text(parts: tuple[tuple[Form, bool], ...]) -> tuple[str, list[tuple[int, str]]]:
    """One statement of several, each for one row or for many; the last of them is its main one.

    Returns:
        The text with numbered parameters, and for each of these the statement it is of and its name.
    """
    places: dict[tuple[int, str], int] = {}

    def numbered(at: int, form: Form, many: bool) -> str:
        def number(match: re.Match[str]) -> str:
            return f"${places.setdefault((at, match[1]), len(places) + 1)}"

        return _PARAMETER.sub(number, form.many if many else form.text).replace("%%", "%")

    *others, last = (numbered(at, form, many) for at, (form, many) in enumerate(parts))
    before = ", ".join(f"part_{at} AS ({text})" for at, text in enumerate(others))
    return f"WITH {before} {last}" if others else last, list(places)
