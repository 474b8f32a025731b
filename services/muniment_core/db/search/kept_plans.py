"""The plans of queries asked before, as many as take a bounded amount of memory.

A plan with its statements takes memory by the conditions of its query: some forty kilobytes for one, and a
megabyte for as many as a filter may have. So what is kept is not a number of plans, but of parts of them.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from muniment_core.db.search.plans import Plan
from muniment_core.db.search.subjects import Subject
from muniment_core.domain.search import Query

_MOST_WEIGHT = 1_280
"""256 plans of one condition, or 18 of the most."""


class KeptPlans:
    """The plans that were used last, for any thread."""

    def __init__(self, most_weight: int) -> None:
        self._most = most_weight
        self._weight = 0
        self._plans: OrderedDict[tuple[Subject, Query], Plan] = OrderedDict()
        self._lock = Lock()

    def of(self, subject: Subject, form: Query) -> Plan:
        """The plan of a query without values."""
        key = subject, form
        with self._lock:
            found = self._plans.get(key)
            if found is not None:
                self._plans.move_to_end(key)
                return found
        made = Plan(subject, form)
        with self._lock:
            found = self._plans.setdefault(key, made)
            if found is made:
                self._weight += made.weight
                while self._weight > self._most:
                    self._weight -= self._plans.popitem(last=False)[1].weight
        return found


plan_of = KeptPlans(_MOST_WEIGHT).of
"""The plan of a query without values, made once while it is asked for."""
