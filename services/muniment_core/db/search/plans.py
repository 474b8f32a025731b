"""The statements of a query's form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, literal_column, or_, select, type_coerce
from sqlalchemy.engine import Dialect
from sqlalchemy.types import NullType

from muniment_core.db.prepared import Prepared
from muniment_core.db.search import driving
from muniment_core.db.search.dialect import one_of_few, unindexed, written
from muniment_core.db.search.driving import Candidate, Walk
from muniment_core.db.search.ordering import Term, after, columns, has_key, terms, without_key
from muniment_core.db.search.sources import PROJECT, Child, OfModel, compared
from muniment_core.db.search.subjects import Subject
from muniment_core.db.search.where import holds, needed
from muniment_core.db.tables import models
from muniment_core.domain.search import Condition, Expression, Operator, OrderKey, Query, conditions_of

DELETED = "DELETED"
_USUAL_LIMITS = {21, 51, 101}
"""These stand in the statement itself. PostgreSQL plans a statement once for all values only if it need not fear
that a tenth of all rows is asked for, and planning takes as long as running it."""
_MOST_STATEMENTS = 16
"""Kept of one plan: where a page begins, how long it is and what is walked along make more than anyone uses."""


@dataclass(frozen=True, slots=True)
class Run:
    """Rows of which all have, or all lack, what they are first ordered by.

    Attributes:
        lead: what that is, if it is kept in a table with an index to walk along.
        column: the column it is kept in; empty for the rows that have nothing there.
        rest: what they are ordered by after that.
    """

    lead: OrderKey | None
    column: str
    rest: tuple[OrderKey, ...]

    @property
    def by_creation(self) -> bool:
        """Whether nothing but their creation orders them."""
        return not self.column and not self.rest


class Plan:
    """How queries of one form are answered. Its statements are built when they are first needed, and kept.

    Attributes:
        weight: how much memory it may take with its statements, in parts of them; some 20 KiB each.
        runs: each is a statement; together, one after the other, they give all rows in the order asked for.
        candidates: the conditions that an index can be looked up for.
    """

    def __init__(self, subject: Subject, query: Query) -> None:
        self._subject = subject
        self._query = query
        self._parts = tuple(needed(query.where))
        self._statements: dict[object, Prepared] = {}
        self.weight = 4 + len(query.order) + sum(1 for _ in conditions_of(query.where))
        self.candidates = driving.candidates(self._parts, subject)
        self.runs = self._plan_runs()

    def counting(self, dialect: Dialect) -> Prepared | None:
        """Counts the rows of each candidate; None when there is none."""
        if not self.candidates:
            return None
        return self._kept(dialect, "counting", partial(driving.counting, self.candidates))

    def prepared(
        self, dialect: Dialect, run: int, small: int | None, keys: tuple[bool, ...] | None, limit: int
    ) -> Prepared:
        """The statement of :meth:`statement`, kept."""
        usual = limit if limit in _USUAL_LIMITS else None
        form = (run, small, keys, usual)
        return self._kept(dialect, form, lambda: self.statement(*form))

    def _kept(self, dialect: Dialect, form: object, build: Callable[[], Select[Any]]) -> Prepared:
        found = self._statements.get((dialect.name, form))
        if found is None:
            found = Prepared(build()).compiled_for(dialect)
            if len(self._statements) >= _MOST_STATEMENTS:
                self._statements.clear()
            self._statements[dialect.name, form] = found
        return found

    def statement(
        self, number: int, small: int | None, keys: Sequence[bool] | None, limit: int | None
    ) -> Select[Any]:
        """What one run asks the database.

        Args:
            small: which of the candidates gives few rows, if one does.
            keys: of the place to go on after, whether there is something in each key; None for the first page.
            limit: how many rows are asked for; None for as many as a parameter says.
        """
        run, row = self.runs[number], self._subject.table
        walk, done = self._walk(run, None if small is None else self.candidates[small])
        where = [
            holds(row, walk.identity, part, self._subject.fields) for part in self._parts if part not in done
        ]
        if not self._query.deleted:
            where.append(unindexed(row.c.state) != written(DELETED))
        sorting = [] if walk.lead is None else [walk.lead]
        for key in run.rest:
            sorting += terms(row, key, self._subject.fields)
        descending = self._query.order[-1].descending if self._query.order else True
        if keys is not None:
            names = [f"after_{at}" if present else None for at, present in enumerate(keys)]
            where.append(after(sorting, names, walk.identity, descending=descending))
        # Keys as the driver gives them: text, integers and floats are JSON values already.
        keyed: list[ColumnElement[Any]] = [
            type_coerce(term.expression, NullType()).label(f"key_{at}") for at, term in enumerate(sorting)
        ]
        return (
            select(walk.identity.label("id"), *self._subject.told, *keyed)
            .select_from(walk.source)
            .where(*walk.where, *where)
            .order_by(
                *(part for term in sorting for part in term.sorting()),
                walk.identity.desc() if descending else walk.identity.asc(),
            )
            .limit(bindparam("limit", type_=BigInteger()) if limit is None else literal_column(str(limit)))
        )

    def _plan_runs(self) -> tuple[Run, ...]:
        """First the rows that have what comes first in the order, along its index, then those that have not."""
        order = self._query.order
        lead = order[0] if order else None
        source = self._subject.fields[lead.field.name] if lead else None
        if lead is not None and isinstance(source, OfModel):
            return (Run(lead, "name", order[1:]),)
        if lead is None or not (isinstance(source, Child) and source.keyed):
            return (Run(None, "", order),)
        runs = [Run(lead, column, order[1:]) for column in columns(source, lead.field)]
        # Where a value is asked for, only an infinity or NaN is not ordered.
        if lead.field.name == "metrics" or not self._asked(lead):
            runs.append(Run(lead, "", order[1:]))
        return tuple(runs)

    def _asked(self, lead: OrderKey) -> list[Condition]:
        """Conditions that must hold of what comes first in the order."""
        return [part for part in self._parts if isinstance(part, Condition) and part.field == lead.field]

    def _walk(self, run: Run, small: Candidate | None) -> tuple[Walk, list[Expression]]:
        """What to walk along, and the parts of the expression that are cared for by that."""
        if run.lead is None:
            return self._plain(run, small)
        if run.column:
            source = self._subject.fields[run.lead.field.name]
            if isinstance(source, OfModel):
                return self._along_models(run.lead, small)
            return self._along(run.lead, run.column, small)
        return self._missing(run, run.lead, small)

    def _plain(self, run: Run, small: Candidate | None) -> tuple[Walk, list[Expression]]:
        """Rows by creation, or by something that is kept in the row itself or has no index at all."""
        if run.by_creation:
            for candidate in [small] if small else self.candidates:
                if candidate.newest_first and isinstance(candidate.part, Condition):
                    return driving.walk(candidate.part, self._subject), [candidate.part]
        in_order = run.by_creation or (run.lead is None and run.rest[0].field.name in self._subject.ordered)
        whole = next((one for one in self.candidates if one.is_whole), None)
        chosen = small or (None if in_order else whole)
        if chosen is None:
            return driving.walk_all(self._subject), []
        row = self._subject.table
        ids = driving.ids_of(chosen)
        found = one_of_few(row.c.id, ids) if small else row.c.id.in_(ids)
        return Walk(row, row.c.id, (found,)), [chosen.part]

    def _missing(self, run: Run, lead: OrderKey, small: Candidate | None) -> tuple[Walk, list[Expression]]:
        """Rows without what comes first in the order."""
        source, row = self._source(lead), self._subject.table
        asked = [part for part in self._asked(lead) if part.operator is not Operator.PRESENT]
        if asked and small is None:
            # What meets a comparison and is not ordered is infinite, and these are few.
            rows = source.table.alias("infinite")
            value, identity = rows.c[columns(source, lead.field)[0]], rows.c[source.owner]
            where = [
                rows.c.project_id == PROJECT,
                or_(value == float("inf"), value == float("-inf")),
                *(source.meets(rows, part) for part in asked),
            ]
            return Walk(rows.join(row, row.c.id == identity), identity, tuple(where)), list(asked)
        walk, done = self._plain(run, small)
        lacking = without_key(row, source, lead.field)
        return Walk(walk.source, walk.identity, (*walk.where, lacking)), done

    def _along(self, lead: OrderKey, column: str, small: Candidate | None) -> tuple[Walk, list[Expression]]:
        """Rows that have what comes first in the order, along its index or those of a condition few rows meet."""
        source, row = self._source(lead), self._subject.table
        rows = source.table.alias("lead")
        identity = rows.c[source.owner]
        asked = self._asked(lead)
        where: list[ColumnElement[bool]] = [has_key(rows, source, lead.field, column)]
        # Said of this very row, a comparison of the same field is a range of the index.
        where += [source.meets(rows, part, indexed=True) for part in asked]
        done: list[Expression] = list(asked)
        if small is None:
            where.append(rows.c.project_id == PROJECT)
        else:
            where.append(one_of_few(row.c.id, driving.ids_of(small)))
            done.append(small.part)
        term = Term(rows.c[column], lead.descending, nullable=False)
        return Walk(rows.join(row, row.c.id == identity), identity, tuple(where), term), done

    def _along_models(self, lead: OrderKey, small: Candidate | None) -> tuple[Walk, list[Expression]]:
        """Rows by the name of their model: model by model, each in the order that comes next."""
        row, named = self._subject.table, models.alias("named")
        asked = self._asked(lead)
        where: list[ColumnElement[bool]] = [
            compared(named.c.name, part.operator, part.value) for part in asked
        ]
        done: list[Expression] = list(asked)
        if small is None:
            where.append(named.c.project_id == PROJECT)
        else:
            where.append(one_of_few(row.c.id, driving.ids_of(small)))
            done.append(small.part)
        term = Term(named.c.name, lead.descending, nullable=False, owner=named.c.id)
        return Walk(named.join(row, row.c.model_id == named.c.id), row.c.id, tuple(where), term), done

    def _source(self, lead: OrderKey) -> Child:
        source = self._subject.fields[lead.field.name]
        assert isinstance(source, Child)
        return source
