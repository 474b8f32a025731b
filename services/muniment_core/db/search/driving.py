"""Which index a search walks along.

Every condition that must hold and has an index is a candidate. How many rows each would give is counted, but
not further than :data:`FEW`: that costs little however large the registry is. Where a condition gives few
rows these are read and sorted. Otherwise rows are dense, and it is best to walk along an index in the order
that was asked for, looking at each row until the page is full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    bindparam,
    exists,
    func,
    not_,
    select,
    union,
)

from muniment_core.db.search.dialect import unindexed
from muniment_core.db.search.ordering import Term
from muniment_core.db.search.sources import PROJECT, Child, OfModel, Own, Source, looked_up
from muniment_core.db.search.subjects import Subject
from muniment_core.domain.search import AnyOf, Condition, Expression, Operator

FEW = 256
"""Reading and sorting this many rows takes about as long as answering with a page of them."""
_ENOUGH = bindparam("few", type_=Integer()) + 1
_MOST_COUNTED = 8
_RANGES = {Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST}


@dataclass(frozen=True, slots=True)
class Candidate:
    """An index that a needed part of the expression can be looked up in.

    Attributes:
        part: the part.
        rank: smaller where fewer rows are to be expected.
        ids: makes what selects the keys of the rows it gives, perhaps several times; it is large, and a plan that
            is kept seldom needs it.
        newest_first: its index gives them in the order of their creation.
    """

    part: Expression
    rank: int
    ids: Callable[[], Select[Any]]
    newest_first: bool

    @property
    def is_whole(self) -> bool:
        """Whether it gives all its rows, however many they are: of alternatives only the first are looked up."""
        return isinstance(self.part, Condition)


@dataclass(frozen=True, slots=True)
class Walk:
    """Rows to walk along: where they come from, their key, what is true of them, and what orders them first."""

    source: FromClause
    identity: ColumnElement[int]
    where: tuple[ColumnElement[bool], ...]
    lead: Term | None = None


def candidates(parts: Iterable[Expression], subject: Subject) -> list[Candidate]:
    """The candidates, those first of which few rows are to be expected."""
    found = [made for part in parts if (made := _candidate(part, subject)) is not None]
    return sorted(found, key=lambda candidate: candidate.rank)[:_MOST_COUNTED]


def counting(found: Sequence[Candidate]) -> Select[Any]:
    """Counts the rows of each candidate, up to one more than the parameter ``few``."""
    return select(
        *(
            select(func.count())
            .select_from(_limited(candidate).subquery())
            .scalar_subquery()
            .label(f"count_{index}")
            for index, candidate in enumerate(found)
        )
    )


def _limited(candidate: Candidate) -> Select[Any]:
    return candidate.ids().limit(_ENOUGH)


def ids_of(candidate: Candidate) -> Select[Any]:
    """The keys of a candidate's rows, each once."""
    return candidate.ids().distinct()


def walk(condition: Condition, subject: Subject) -> Walk:
    """The rows that meet a condition whose index has them in the order of their creation."""
    source = subject.fields[condition.field.name]
    if not isinstance(source, Child):
        row = subject.table
        return Walk(row, row.c.id, _own(row, source, condition))
    rows = source.table.alias("walked")
    where = [_of_project(rows, source), source.meets(rows, condition, indexed=True)]
    if source.repeats:
        # Of several rows of one owner only the first counts.
        other = source.table.alias()
        earlier = other.c.position < rows.c.position
        same = other.c[source.owner] == rows.c[source.owner]
        where.append(
            not_(looked_up(rows.c[source.owner], other, same, source.meets(other, condition), earlier))
        )
    return Walk(
        rows.join(subject.table, subject.table.c.id == rows.c[source.owner]),
        rows.c[source.owner],
        tuple(where),
    )


def walk_all(subject: Subject) -> Walk:
    """All rows of the project."""
    row = subject.table
    return Walk(row, row.c.id, (row.c.project_id == PROJECT,))


def _candidate(part: Expression, subject: Subject) -> Candidate | None:
    if isinstance(part, AnyOf):
        return _any(part.parts, part, subject)
    if not isinstance(part, Condition):
        return None
    source = subject.fields[part.field.name]
    equal = part.operator is Operator.EQUAL
    if not source.rank or not (equal or _can_range(source, part)):
        return None
    in_order = equal and (not isinstance(source, Child) or source.owner == "version_id" or source.keyed)
    return Candidate(part, source.rank, partial(_ids, subject, source, part), in_order)


def _ids(subject: Subject, source: Source, condition: Condition) -> Select[Any]:
    """The keys of the rows that meet one condition."""
    if isinstance(source, Child):
        rows = source.table.alias()
        return select(rows.c[source.owner]).where(
            _of_project(rows, source), source.meets(rows, condition, indexed=True)
        )
    row = subject.table.alias()
    return select(row.c.id).where(*_own(row, source, condition))


def _any(parts: Sequence[Expression], whole: Expression, subject: Subject) -> Candidate | None:
    """Few rows meet one of several conditions when few meet each."""
    found = [_candidate(part, subject) for part in parts]
    each = [one for one in found if one is not None]
    if not each or len(each) < len(found):
        return None
    return Candidate(whole, max(one.rank for one in each), partial(_ids_of_any, each), newest_first=False)


def _ids_of_any(each: Sequence[Candidate]) -> Select[Any]:
    """The keys of the first rows of each candidate."""
    ids = union(*(select(_limited(one).subquery()) for one in each)).subquery()
    return select(ids.c[0])


def _can_range(source: Source, condition: Condition) -> bool:
    if condition.operator is Operator.PRESENT:
        return isinstance(source, Child) and not source.blank and "project_id" in source.table.c
    if condition.operator not in _RANGES:
        return False
    return source.keyed if isinstance(source, Child) else condition.field.name.endswith("_time")


def _own(row: FromClause, source: Own | OfModel, condition: Condition) -> tuple[ColumnElement[bool], ...]:
    project = row.c.project_id if source.by_project else unindexed(row.c.project_id)
    return project == PROJECT, source.holds(row, condition, indexed=True)


def _of_project(rows: FromClause, source: Child) -> ColumnElement[bool]:
    if "project_id" in source.table.c:
        return rows.c.project_id == PROJECT
    # Parents may be of any project, children are looked for in one.
    owner = next(iter(source.table.c[source.owner].foreign_keys)).column.table.alias()
    of_project = exists().where(owner.c.id == rows.c[source.owner], owner.c.project_id == PROJECT)
    return of_project.correlate(rows)
