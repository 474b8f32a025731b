"""What a search counts before it walks is counted once for who asks again, and decides nothing but the way."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from muniment_core.db.database import Database
from muniment_core.db.prepared import Prepared
from muniment_core.db.search import search
from muniment_core.db.search.plans import Plan
from muniment_core.db.search.search import Search
from muniment_core.db.search.subjects import VERSIONS
from muniment_core.db.tables import version_tags as TAGS
from muniment_core.domain.search import Query
from muniment_metadata.search.check import version_filter
from muniment_metadata.search.order import version_order
from sqlalchemy import ColumnElement, Connection, update

pytestmark = pytest.mark.xdist_group("search counting")
"""In one process of the run: the catalog is made once for all of these."""


@pytest.fixture(autouse=True)
def _however_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was counted counts for as long as a test may last, and not for some seconds of a busy machine."""
    monkeypatch.setattr(search, "_COUNTED_SECONDS", 3600.0)


def set_tier(connection: Connection, tier: str, *versions: ColumnElement[bool]) -> None:
    changed = update(TAGS).where(TAGS.c.key == "tier", *versions)
    connection.execute(changed.values(value=tier, prefix=tier))


@contextmanager
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that are run meanwhile."""
    seen: list[str] = []
    run: Callable[..., Any] = Prepared.rows_by_driver

    def note(prepared: Prepared, dialect: Any, driver: Any, values: Any) -> Any:
        seen.append(prepared.form(dialect).text)
        return run(prepared, dialect, driver, values)

    with monkeypatch.context() as patched:
        patched.setattr(Prepared, "rows_by_driver", note)
        yield seen


def numbers(connection: Connection, where: str, order_by: str = "") -> list[int]:
    """The keys of all versions that meet a filter, page by page."""
    query = Query(version_filter(where, "default"), version_order(order_by))
    found: list[int] = []
    last = None
    while True:
        page = Search(connection, VERSIONS, query, project_id=1).page(last, 20)
        found += [place.id for place in page]
        if len(page) < 20:
            return found
        last = page[-1]


def test_a_search_takes_one_statement_a_page_and_one_that_counts(
    catalog: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = Query(version_filter("tags.team = risk AND params.depth = 3", "default"), version_order(""))
    with statements(monkeypatch) as seen, catalog.reading() as connection:
        first = Search(connection, VERSIONS, query, project_id=1).page(None, 5)
        assert len(seen) == 2
        Search(connection, VERSIONS, query, project_id=1).page(first[-1], 5)
        assert len(seen) == 3
    assert "count" in seen[0]
    assert not [statement for statement in seen[1:] if "count" in statement]


def test_what_was_counted_goes_with_its_plan(catalog: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[weakref.ref[Plan]] = []

    def plan(*form: Any) -> Plan:
        made = Plan(*form)
        plans.append(weakref.ref(made))
        return made

    monkeypatch.setattr(search, "plan_of", plan)
    with catalog.reading() as connection:
        assert numbers(connection, "tags.team = risk AND tags.tier = 1")
        gc.collect()
        assert plans
        assert not [one for one in plans if one() is not None]


def test_who_asks_again_finds_all_there_is_however_it_was_counted(catalog: Database) -> None:
    """A condition that few rows met is met by many before anybody counts again."""
    asked = (
        "tags.tier = new",
        "tags.tier = new OR tags.tier = newer",
        "tags.tier = new AND tags.team >= ads",
    )
    try:
        for upto in (3, 600):
            with catalog.writing() as connection:
                set_tier(connection, "new", TAGS.c.version_id <= upto)
            expected = list(range(upto, 0, -1))
            with catalog.reading() as connection:
                assert [numbers(connection, where) for where in asked] == [expected] * len(asked)
    finally:
        with catalog.writing() as connection:
            for tier in range(3):
                set_tier(connection, str(tier), TAGS.c.version_id <= 600, TAGS.c.version_id % 3 == tier)
