"""Several statements in one trip mean on both databases what they mean one after the other."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import psycopg
import pytest
from muniment_core.db.arrays import array_text
from muniment_core.db.database import Database
from muniment_core.db.integrity import is_infrastructure
from muniment_core.db.prepared import Prepared
from muniment_core.db.tables import ledger_nodes, models, projects, requests, version_params
from muniment_core.db.trips import read_in_one_trip, run_in_one_trip
from sqlalchemy import bindparam, func, insert, select, update


class Word(StrEnum):
    A = "a"


NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NODE = Prepared(insert(ledger_nodes), columns=[column.key for column in ledger_nodes.c])
REQUEST = Prepared(insert(requests), columns=[column.key for column in requests.c])
PROJECT = Prepared(
    insert(projects), columns=["name", "folded_name", "description", "create_time", "revision"]
)
DESCRIBE = Prepared(
    update(projects).where(projects.c.name == bindparam("named")).values(description=bindparam("words"))
)
NODES = Prepared(select(ledger_nodes).order_by(ledger_nodes.c.level, ledger_nodes.c.position))
DESCRIPTIONS = Prepared(select(projects.c.name, projects.c.description).order_by(projects.c.name))
REQUESTS = Prepared(select(requests).order_by(requests.c.request_id))


def nodes(count: int) -> list[dict[str, object]]:
    return [{"level": 1, "position": at, "hash": bytes([at, 0, 255, 92, 34])} for at in range(count)]


def project(name: str, description: str = "") -> dict[str, object]:
    folded = name.lower()
    return {
        "name": name,
        "folded_name": folded,
        "description": description,
        "create_time": NOW,
        "revision": 1,
    }


def request(request_id: str, *, principal: str = "p") -> dict[str, object]:
    return {
        "principal": principal,
        "request_id": request_id,
        "fingerprint": b"\x00\\",
        "response": b"",
        "revision": 2**40,
        "time": NOW,
    }


@pytest.mark.parametrize("count", [1, 2, 40])
def test_rows_of_several_tables_arrive_as_they_were_given(database: Database, count: int) -> None:
    texts = ['plain, "quoted"', "{braces}", "back\\slash", "NULL", "", "größe\n%s %(x)s"]
    made = [project(f"p{at}", texts[at % len(texts)]) for at in range(count)]
    asked = [request(f"r{at:02}") for at in range(count)]
    with database.writing() as connection:
        touched = run_in_one_trip(
            connection, [(PROJECT, made), (NODE, nodes(count)), (DESCRIBE, []), (REQUEST, asked)]
        )
        assert touched == count
        found = read_in_one_trip(connection, [(NODES, {}), (DESCRIPTIONS, {}), (REQUESTS, {})])
    assert [row._asdict() for row in found[0]] == nodes(count)
    assert dict(found[1]) == {row["name"]: row["description"] for row in made}
    assert [row._asdict() for row in found[2]] == asked


def test_changes_of_one_row_happen_one_after_the_other_and_the_last_is_counted(database: Database) -> None:
    with database.writing() as connection:
        run_in_one_trip(connection, [(PROJECT, [project("a"), project("b")])])
        work = [
            (DESCRIBE, [{"named": "a", "words": "first"}]),
            (NODE, nodes(3)),
            (DESCRIBE, [{"named": "a", "words": "second"}, {"named": "b", "words": "third"}]),
            (DESCRIBE, [{"named": "nobody", "words": "lost"}]),
        ]
        assert run_in_one_trip(connection, work) == 0
        assert dict(DESCRIPTIONS.all(connection)) == {"a": "second", "b": "third"}
        assert run_in_one_trip(connection, []) == 0


def test_many_rows_are_refused_for_what_one_is_refused_for(database: Database) -> None:
    # A key that is there already, a missing value, and on PostgreSQL text that is too long, which is never cut.
    wrong = [[project("a"), project("a")], [project("a"), {**project("b"), "description": None}]]
    if not database.is_sqlite:
        wrong.append([project("a"), project("b" * 129)])
    for rows in wrong:
        with pytest.raises(Exception) as caught, database.writing() as connection:  # noqa: PT011 - the driver's own
            run_in_one_trip(connection, [(PROJECT, rows), (NODE, nodes(2))])
        assert is_infrastructure(caught.value)
        assert not isinstance(caught.value, psycopg.errors.SyntaxError)
    with database.reading() as connection:
        assert DESCRIPTIONS.all(connection) == []
        assert NODES.all(connection) == []


def test_what_may_be_missing_stays_missing_among_many(database: Database) -> None:
    columns = [column.key for column in version_params.c]
    assert {"text", "number"} <= set(columns)
    statement = Prepared(insert(version_params), columns=columns)
    with database.writing() as connection:
        row = {"version_id": 1, "project_id": 1, "prefix": None}
        rows = [
            {**row, "key": "a", "text": None, "number": 0.1},
            {**row, "key": "b", "text": "x", "prefix": "x", "number": None},
            {**row, "key": "c", "text": None, "number": 1e300},
        ]
        if database.is_sqlite:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        run_in_one_trip(connection, [(statement, rows)])
        found = connection.execute(select(version_params).order_by(version_params.c.key)).mappings()
        assert [dict(one) for one in found] == rows
        assert connection.execute(select(func.count()).select_from(models)).scalar_one() == 0
        connection.rollback()


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (
            "TEXT",
            [
                "",
                "NULL",
                None,
                '"',
                "\\",
                '\\"',
                "{a,b}",
                "a b",
                " ",
                "größe\n",
                "\U0001f600",
                "\\x00",
                "%s %%",
            ],
        ),
        ("TEXT", [Word.A]),
        ("BIGINT", [0, -1, 2**63 - 1, -(2**63), None]),
        ("FLOAT8", [0.1, -0.0, 1e300, 5e-324, math.inf, -math.inf, None, 3]),
        ("BOOLEAN", [True, False, None]),
        ("BYTEA", [psycopg.Binary(value) for value in (b"", b'\x00\\"{}', bytes(range(256)))]),
    ],
)
def test_an_array_holds_what_it_was_made_of(postgres_database: str, kind: str, values: list[Any]) -> None:
    with psycopg.connect(postgres_database) as connection:
        found = connection.execute(f"SELECT unnest(%s::{kind}[])", [array_text(values)]).fetchall()
    assert [value for (value,) in found] == [getattr(value, "obj", value) for value in values]


@pytest.mark.parametrize("value", [NOW, [1], object()])
def test_an_array_is_refused_of_what_no_column_holds(value: object) -> None:
    with pytest.raises(TypeError):
        array_text([value])
