"""Plans of searches are kept by what they weigh, and so are their statements."""

from __future__ import annotations

from muniment_core.db.search.kept_plans import KeptPlans
from muniment_core.db.search.plans import Plan
from muniment_core.db.search.shapes import shaped
from muniment_core.db.search.subjects import VERSIONS
from muniment_core.domain.search import Query
from muniment_metadata.search.check import version_filter
from muniment_metadata.search.order import version_order
from sqlalchemy.dialects import sqlite

DIALECT = sqlite.dialect()


def form(where: str, order_by: str = "") -> Query:
    query = Query(version_filter(where, "default"), version_order(order_by))
    return shaped(query, VERSIONS.fields, 1, {}).query


def large(shape: int) -> str:
    """A filter of as many conditions as there may be, unlike that of any other shape."""
    return " OR ".join(f"tags.t{shape}.{at} = x" for at in range(64))


def test_the_plan_of_a_query_is_made_once() -> None:
    plans = KeptPlans(100)
    assert plans.of(VERSIONS, form("tags.team = a")) is plans.of(VERSIONS, form("tags.team = b"))
    assert plans.of(VERSIONS, form("tags.team = a")) is not plans.of(VERSIONS, form("tags.tier = a"))


def test_the_plans_used_last_are_kept() -> None:
    plans = KeptPlans(100)
    often = plans.of(VERSIONS, form("tags.team = a"))
    for shape in range(50):
        plans.of(VERSIONS, form(f"tags.t{shape} = a"))
        assert plans.of(VERSIONS, form("tags.team = a")) is often


def test_one_large_plan_leaves_no_room_for_many_small_ones() -> None:
    plans = KeptPlans(100)
    small = [plans.of(VERSIONS, form(f"tags.t{shape} = a")) for shape in range(20)]
    plans.of(VERSIONS, form(large(0)))
    kept = [plans.of(VERSIONS, form(f"tags.t{shape} = a")) for shape in range(19, -1, -1)]
    assert [one is other for one, other in zip(kept, reversed(small), strict=True)].count(True) == 6


def test_statements_of_one_plan_are_bounded_however_it_is_asked() -> None:
    plan = Plan(VERSIONS, form("tags.team = a", "metrics.f1"))
    for limit in (21, 51, 101, 7):
        for small in (None, 0):
            for keys in (None, (True,), (False,)):
                plan.prepared(DIALECT, 0, small, keys, limit)
                assert plan.counting(DIALECT) is not None
                assert 0 < len(plan._statements) <= 16
