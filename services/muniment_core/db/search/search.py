"""Search, page by page."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from muniment_core.db.search import driving
from muniment_core.db.search.kept_plans import plan_of
from muniment_core.db.search.ordering import Key
from muniment_core.db.search.plans import Plan
from muniment_core.db.search.shapes import VersionRef, shaped
from muniment_core.db.search.subjects import Subject
from muniment_core.domain.search import Query

_COUNTED = "counted candidates"
_COUNTED_SECONDS = 10.0
"""Who asks once more, or for the next page, is answered along the same index without counting again."""
_MOST_COUNTED = 32
"""For one plan."""

_Counted = dict[int, tuple[float, int | None]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands in the order.

    Attributes:
        run: number of the statement that found it; an order by something that may be missing takes several.
        keys: the values it is ordered by.
        id: its key, by which rows with equal values are ordered.
        told: what :attr:`Subject.told` names.
    """

    run: int
    keys: tuple[Key, ...]
    id: int
    told: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """What is asked of the database, for those who want to see."""

    prepared: Any
    values: Mapping[str, Any]


class Search:
    """Finds the keys of rows on one connection."""

    def __init__(
        self,
        connection: Connection,
        subject: Subject,
        query: Query,
        *,
        project_id: int,
        versions: Mapping[VersionRef, int] | None = None,
    ) -> None:
        """
        Args:
            versions: keys of the versions that the query names and that are there.
        """
        self._connection = connection
        form = shaped(query, subject.fields, project_id, versions or {})
        self._values = form.values
        self._told = len(subject.told)
        self._plan = plan_of(subject, form.query)

    def page(self, after: Place | None, limit: int) -> list[Place]:
        """Up to ``limit`` rows after a place, or from the first."""
        found: list[Place] = []
        for run in range(after.run if after else 0, self.runs):
            start = after if after and after.run == run else None
            asked = self.statement(run, start, limit - len(found))
            for row_id, *others in asked.prepared.all(self._connection, **asked.values):
                found.append(Place(run, tuple(others[self._told :]), row_id, tuple(others[: self._told])))
            if len(found) == limit:
                break
        return found

    @property
    def runs(self) -> int:
        """How many statements it takes at most to fill a page."""
        return len(self._plan.runs)

    def statement(self, run: int, start: Place | None, limit: int) -> Statement:
        """What one run asks the database, from a place on."""
        values = {**self._values, "limit": limit, "few": driving.FEW}
        keys = None
        if start is not None:
            values["after"] = start.id
            values.update({f"after_{at}": key for at, key in enumerate(start.keys)})
            keys = tuple(key is not None for key in start.keys)
        prepared = self._plan.prepared(self._connection.dialect, run, self._small, keys, limit)
        return Statement(prepared, values)

    @cached_property
    def _small(self) -> int | None:
        """The candidate that gives the fewest rows, if these are few enough to be read and sorted."""
        counting = self._plan.counting(self._connection.dialect)
        if counting is None:
            return None
        # Plans go when they were not used for long, and what was counted for them goes with them.
        plans: WeakKeyDictionary[Plan, _Counted] = self._connection.info.setdefault(
            _COUNTED, WeakKeyDictionary()
        )
        counted = plans.setdefault(self._plan, {})
        # Values may be long. Others of the same hash are answered along the same index, which is right too.
        asked, now = hash((driving.FEW, *self._values.items())), time.monotonic()
        known = counted.get(asked)
        if known is not None and now - known[0] < _COUNTED_SECONDS:
            return known[1]
        (counts,) = counting.all(self._connection, **self._values, few=driving.FEW)
        fewest = min(range(len(counts)), key=lambda at: (counts[at], at))
        small = fewest if counts[fewest] <= driving.FEW else None
        if small is None or self._plan.candidates[small].is_whole:
            if len(counted) >= _MOST_COUNTED:
                counted.clear()
            counted[asked] = now, small
        return small
