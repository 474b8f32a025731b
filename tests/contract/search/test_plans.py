"""Search reads indexes: neither database looks at every row of a table for any main kind of filter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from catalogs.large import dataset_digest
from muniment_core.db.database import Database
from muniment_core.db.prepared import driver_of
from muniment_core.db.search.search import Place, Search
from muniment_core.db.search.store import named_versions
from muniment_core.db.search.subjects import VERSIONS
from muniment_core.domain.search import Query
from muniment_metadata.search.check import version_filter
from muniment_metadata.search.order import version_order
from sqlalchemy import Connection

pytestmark = pytest.mark.xdist_group("search plans")
"""In one process of the run: the catalog is made once for all of these."""

NEWEST = ""
ASKED = [
    ("", NEWEST),
    ("", "create_time"),
    ("", "update_time desc"),
    ("", "metrics.f1 desc"),
    ("", "metrics.loss.best"),
    ("", "tags.team desc"),
    ("", "params.depth desc"),
    ("model = model-7", NEWEST),
    ("model = model-7 AND number = 7", NEWEST),
    ("author = user-3", NEWEST),
    ("run.id = run-77", NEWEST),
    ("digest = sha256:abc", NEWEST),
    ("code.commit = c0ffee", NEWEST),
    ("alias = champion", NEWEST),
    ("stage = production", NEWEST),
    ("tags.team = risk", NEWEST),
    ("tags.team >= risk", NEWEST),
    ("tags:tier", NEWEST),
    ("params.depth = 3", NEWEST),
    ("params.depth > 11", "params.depth"),
    ("params.solver = lbfgs", NEWEST),
    ("dataset.name = churn", NEWEST),
    (f"dataset.digest = {dataset_digest(7)}", NEWEST),
    ("parent = model-1@1", NEWEST),
    ("metrics.f1 > 0.9", "metrics.f1 desc"),
    ("metrics.f1 > 0.9", NEWEST),
    ("metrics.f1 > 0.999", NEWEST),
    ("metrics.f1.best > 0.9", "metrics.f1.best desc"),
    ("create_time >= 2030-01-01", NEWEST),
    ("tags.team = risk AND stage = production", NEWEST),
    ("metrics.f1 > 0.9 AND tags.team = risk", "metrics.f1 desc, create_time"),
    ("metrics.f1 > 0.9 AND tags.team = risk AND author = user-3", "metrics.loss"),
    ("tags.team = risk OR tags.team = ads", NEWEST),
    ("run.id = run-7 OR run.id = run-8", "size_bytes"),
    ("NOT tags.team = risk", NEWEST),
]

# Of these tables there are few rows or none here. `anon` is what a subquery gave.
SMALL = {"projects", "aliases", "version_parents", "stage_pointers", "models", "anon", "CONSTANT"}


@pytest.mark.parametrize(("where", "order_by"), ASKED)
@pytest.mark.parametrize("page", ["first", "second"])
def test_no_table_is_read_from_end_to_end(catalog: Database, where: str, order_by: str, page: str) -> None:
    query = Query(version_filter(where, "default"), version_order(order_by))
    with catalog.reading() as connection:
        search = Search(
            connection, VERSIONS, query, project_id=1, versions=dict.fromkeys(named_versions(query), 1)
        )
        last = None
        if page == "second":
            found = search.page(None, 20)
            if len(found) < 20:
                return
            last = found[-1]
        for run in range(last.run if last else 0, search.runs):
            start = last if last is not None and last.run == run else None
            for name in scanned(connection, search, run, start):
                assert name in SMALL, "\n".join(plan(connection, search, run, start))


@pytest.mark.parametrize(
    ("where", "order_by"),
    [
        ("metrics.f1 > 0.5", "metrics.f1 desc"),
        ("tags.team = risk AND stage = production", NEWEST),
        (f"dataset.digest = {dataset_digest(7)}", NEWEST),
        ("tags.team = risk", NEWEST),
        ("", "create_time desc"),
    ],
)
def test_the_order_comes_from_the_index_and_nothing_is_sorted(
    catalog: Database, where: str, order_by: str
) -> None:
    query = Query(version_filter(where, "default"), version_order(order_by))
    with catalog.reading() as connection:
        lines = plan(connection, Search(connection, VERSIONS, query, project_id=1), 0, None)
    if catalog.is_sqlite:
        assert not [line for line in lines if "TEMP B-TREE" in line], lines
    elif "metrics" in where:
        # PostgreSQL sorts where it expects few rows, which is as good.
        assert not [line for line in lines if "Sort" in line], lines


def plan(connection: Connection, search: Search, run: int, start: Place | None) -> list[str]:
    """The lines of the plan that the database makes for a statement."""
    statement = search.statement(run, start, 21)
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    asked = statement.prepared.as_sent(connection, **statement.values)
    rows: Sequence[Any] = connection.connection.dbapi_connection.execute(
        explain + asked[0], asked[1]
    ).fetchall()
    return [row[-1] for row in rows]


@pytest.mark.parametrize(("where", "order_by"), ASKED)
def test_postgresql_looks_at_no_more_when_it_plans_for_all_values_at_once(
    catalog: Database, where: str, order_by: str
) -> None:
    """Which it may do with a statement that it has seen a few times, if it expects that to cost no more."""
    if catalog.is_sqlite:
        return
    query = Query(version_filter(where, "default"), version_order(order_by))
    with catalog.reading() as connection:
        versions = dict.fromkeys(named_versions(query), 1)
        search = Search(connection, VERSIONS, query, project_id=1, versions=versions)
        for run in range(search.runs):
            for_these, for_all = (
                explained(connection, search, run, mode)
                for mode in ("force_custom_plan", "force_generic_plan")
            )
            if for_all["Total Cost"] < for_these["Total Cost"] + PLANNING:
                assert looked_at(for_all) <= 3 * looked_at(for_these) + 300


PLANNING = 50
"""More than what planning is taken to cost."""


def explained(connection: Connection, search: Search, run: int, mode: str) -> dict[str, Any]:
    """How PostgreSQL finds the rows of a page, and how many it looks at."""
    asked = search.statement(run, None, 21)
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
    here = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
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
