"""Search reads indexes, and of these the right ones: no more is looked at than a page takes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from catalogs.large import dataset_digest
from catalogs.questions import ALL, NEWEST, OF_VERSIONS, Question
from muniment_core.db.database import Database
from muniment_core.db.prepared import driver_of
from muniment_core.db.search.driving import FEW
from muniment_core.db.search.search import Place, Search
from sqlalchemy import Connection

pytestmark = pytest.mark.xdist_group("search plans")
"""In one process of the run: the catalog is made once for all of these."""

every_question = pytest.mark.parametrize("question", ALL, ids=str)
every_page = pytest.mark.parametrize("page", ["first", "second"])

# `anon` is what a subquery gave: of that there are few rows.
SMALL = {"projects", "anon", "CONSTANT"}
MOST_LOOKED_AT = 6 * FEW
"""Rows, counted again wherever they pass: a third of what it takes to look at all versions or models here."""
PLANNING = 50
"""More than what planning is taken to cost."""


@every_question
@every_page
def test_no_table_is_read_from_end_to_end(catalog: Database, question: Question, page: str) -> None:
    with catalog.reading() as connection:
        search = question.search(connection)
        for run, start in statements(search, page):
            for name in scanned(connection, search, run, start):
                assert name in SMALL, "\n".join(plan(connection, search, run, start))


@every_question
@every_page
def test_sqlite_walks_along_the_index_that_is_meant(catalog: Database, question: Question, page: str) -> None:
    """It has no statistics, and would print a walk over all versions of a project as the use of an index, too."""
    if not catalog.is_sqlite:
        return
    with catalog.reading() as connection:
        search = question.search(connection)
        assert search.runs == len(question.walked)
        for run, start in statements(search, page):
            lines = plan(connection, search, run, start)
            assert re.findall(r"INDEX ix_(\w+)", "\n".join(lines))[0] == question.walked[run], lines
            # Only what gives an order may be walked along from its first row.
            whole = {"versions_project_id_id", "models_project_id_id"}
            if question.order_by:
                whole.add(question.walked[run])
            walked = {found for line in lines for found in re.findall(r"ix_(\w+) \(project_id=\?\)", line)}
            assert walked <= whole, lines


@every_question
@every_page
def test_postgresql_looks_at_few_rows_also_when_it_plans_for_all_values_at_once(
    catalog: Database, question: Question, page: str
) -> None:
    """Which it may do with a statement that it has seen a few times, if it expects that to cost no more."""
    if catalog.is_sqlite:
        return
    with catalog.reading() as connection:
        search = question.search(connection)
        for run, start in statements(search, page):
            for_these, for_all = (
                explained(connection, search, run, start, mode)
                for mode in ("force_custom_plan", "force_generic_plan")
            )
            if run > 0 and question.walked[run] in ("versions_project_id_id", "models_project_id_id"):
                # What lacks the field an order begins with is found among all. Here nothing does.
                continue
            assert looked_at(for_these) <= MOST_LOOKED_AT
            if for_all["Total Cost"] < for_these["Total Cost"] + PLANNING:
                assert looked_at(for_all) <= MOST_LOOKED_AT


@pytest.mark.parametrize(
    ("where", "order_by"),
    [
        ("metrics.f1 > 0.9", "metrics.f1 desc"),
        ("tags.team = risk AND stage = production", NEWEST),
        (f"dataset.digest = {dataset_digest(7)}", NEWEST),
        ("tags.team = risk", NEWEST),
        ("", "update_time desc"),
    ],
)
def test_the_order_comes_from_the_index_and_nothing_is_sorted(
    catalog: Database, where: str, order_by: str
) -> None:
    (question,) = (one for one in OF_VERSIONS if (one.where, one.order_by) == (where, order_by))
    with catalog.reading() as connection:
        lines = plan(connection, question.search(connection), 0, None)
    if catalog.is_sqlite:
        assert not [line for line in lines if "TEMP B-TREE" in line], lines
    elif "metrics" in where:
        # PostgreSQL sorts where it expects few rows, which is as good.
        assert not [line for line in lines if "Sort" in line], lines


def statements(search: Search, page: str) -> list[tuple[int, Place | None]]:
    """The statements that a page may take, each with the place after which it begins; none without such a page."""
    last = None
    if page == "second":
        found = search.page(None, 20)
        if len(found) < 20:
            return []
        last = found[-1]
    return [
        (run, last if last is not None and last.run == run else None)
        for run in range(last.run if last else 0, search.runs)
    ]


def plan(connection: Connection, search: Search, run: int, start: Place | None) -> list[str]:
    """The lines of the plan that the database makes for a statement."""
    statement = search.statement(run, start, 21)
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    text, values = statement.prepared.as_sent(connection, **statement.values)
    return [row[-1] for row in driver_of(connection).execute(explain + text, values).fetchall()]


def explained(
    connection: Connection, search: Search, run: int, start: Place | None, mode: str
) -> dict[str, Any]:
    """How PostgreSQL finds the rows of a page, and how many it looks at."""
    asked = search.statement(run, start, 21)
    text, values = asked.prepared.as_sent(connection, **asked.values)
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)))
    numbered = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", text)
    driver = driver_of(connection)
    driver.execute(f"SET LOCAL plan_cache_mode = {mode}")
    driver.execute(f"PREPARE asked AS {numbered}")
    given = ", ".join("'" + str(values[name]).replace("'", "''") + "'" for name in names)
    run_it = f"EXECUTE asked ({given})" if given else "EXECUTE asked"
    (((told,),),) = driver.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {run_it}").fetchall()
    driver.execute("DEALLOCATE asked")
    return dict(told["Plan"])


def looked_at(node: dict[str, Any]) -> float:
    """The rows of a node of a plan and of those below it, with those that did not fit."""
    here = node["Actual Rows"] + sum(
        node.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Join Filter")
    )
    return float(here * node["Actual Loops"]) + sum(map(looked_at, node.get("Plans", ())))


def scanned(connection: Connection, search: Search, run: int, start: Place | None) -> set[str]:
    """The tables that the plan reads from end to end."""
    pattern = r"^SCAN (\w+)" if connection.dialect.name == "sqlite" else r"Seq Scan on (\w+)"
    names = {
        match.group(1)
        for line in plan(connection, search, run, start)
        if (match := re.search(pattern, line)) is not None
    }
    return {re.sub(r"_\d+$", "", name) for name in names}
