"""Where each field is kept, and how a condition on it reads there."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    Table,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    not_,
    select,
    true,
)

from muniment_core.db.search.dialect import contains, unindexed, written
from muniment_core.db.tables import models
from muniment_core.domain.search import Condition, Field, Operator

PROJECT: BindParameter[int] = bindparam("project", type_=BigInteger())


@dataclass(frozen=True, slots=True)
class Parameter:
    """What stands for the value of a condition in a statement.

    Attributes:
        name: of the parameter; ``{name}_prefix`` is the one for the beginning of a text.
        is_long: it is longer than what an index has of a text.
        is_missing: it names something that does not exist, so that nothing is equal to it.
    """

    name: str
    is_text: bool = False
    is_long: bool = False
    is_missing: bool = False

    def for_column(self, column: ColumnElement[Any]) -> BindParameter[Any]:
        """The parameter, to be compared with a column."""
        return bindparam(self.name, type_=column.type)

    def prefix(self, column: ColumnElement[Any]) -> BindParameter[Any]:
        """The parameter for the beginning of a text, to be compared with a column."""
        return bindparam(f"{self.name}_prefix", type_=column.type)


@dataclass(frozen=True, slots=True)
class Own:
    """A column of the row itself.

    Attributes:
        rank: of the index on it, smaller where fewer rows share a value; 0 without an index.
        by_project: the index begins with the project.
        blank: empty text stands for nothing.
        long: its text may be longer than what is ordered by.
    """

    column: str
    rank: int = 0
    by_project: bool = True
    blank: bool = False
    long: bool = False

    def holds(self, row: FromClause, condition: Condition, *, indexed: bool = False) -> ColumnElement[bool]:
        """The condition on a row; ``indexed`` lets SQLite look rows up by it."""
        column = row.c[self.column]
        holds = compared(column if indexed else unindexed(column), condition.operator, condition.value)
        # What equals or contains something is not empty, unless it is the empty text that was asked for.
        return and_(unindexed(column) != written(""), holds) if self.blank else holds


@dataclass(frozen=True, slots=True)
class OfModel:
    """The name of the model that a version is of."""

    rank: int
    by_project: bool = False

    def holds(self, row: FromClause, condition: Condition, *, indexed: bool = False) -> ColumnElement[bool]:
        """As :meth:`Own.holds`."""
        column = row.c.model_id if indexed else unindexed(row.c.model_id)
        named = select(models.c.id).where(models.c.project_id == PROJECT)
        if condition.operator is Operator.EQUAL:
            one = named.where(compared(models.c.name, Operator.EQUAL, condition.value)).scalar_subquery()
            # Where no model has the name the subquery is NULL, and so would be every comparison with it, also
            # its negation; no model has key 0.
            return column == func.coalesce(one, 0)
        return column.in_(named.where(compared(models.c.name, condition.operator, condition.value)))


@dataclass(frozen=True, slots=True)
class Child:
    """A column of rows in another table that belong to the row.

    Attributes:
        column: names the column of a field, given the field and the parameter it is compared with, or None.
        rank: as in :class:`Own`, of the index on project, key if any, column, owner.
        keyed: the rows have keys.
        many: there may be several rows of one key, or of one owner without keys.
        repeats: several rows of one owner may have the same value.
        prefixed: the index has only the first characters of the column.
        stored: how a value is written in the table.
        ordered: what rows are ordered by, if not by the column; made for a row, NULL for what has nothing there.
    """

    table: Table
    owner: str
    column: Callable[[Field, Any], str]
    rank: int = 0
    keyed: bool = False
    many: bool = False
    blank: bool = False
    repeats: bool = False
    prefixed: bool = False
    long: bool = False
    stored: Callable[[Any], Any] = lambda value: value
    ordered: Callable[[FromClause], list[ColumnElement[Any]]] | None = None

    def holds(self, identity: ColumnElement[int], condition: Condition) -> ColumnElement[bool]:
        """The condition on a row, given its key: some row of the table meets it."""
        if condition.operator is Operator.UNEQUAL:
            equal = Condition(condition.field, Operator.EQUAL, condition.value)
            if self.many:
                present = Condition(condition.field, Operator.PRESENT)
                return and_(self.holds(identity, present), not_(self.holds(identity, equal)))
        rows = self.table.alias()
        return looked_up(identity, rows, rows.c[self.owner] == identity, self.meets(rows, condition))

    def meets(self, rows: FromClause, condition: Condition, *, indexed: bool = False) -> ColumnElement[bool]:
        """The condition on a row of the table itself; ``indexed`` also looks at the prefix the index has."""
        value: Any = condition.value
        if value is not None and value.is_missing:
            return false()
        parts = [rows.c.key == condition.field.key] if self.keyed else []
        column = rows.c[self.column(condition.field, value)]
        if self.blank:
            parts.append(unindexed(column) != written(""))
        if condition.operator is Operator.PRESENT:
            return and_(true(), *parts)
        if indexed and self.prefixed and value.is_text:
            parts.append(_prefix_of(rows.c.prefix, condition.operator, value))
            if condition.operator is Operator.EQUAL and not value.is_long:
                return and_(*parts)
        return and_(*parts, compared(column, condition.operator, value))


Source: TypeAlias = Own | OfModel | Child


def looked_up(
    identity: ColumnElement[Any], rows: FromClause, *where: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Whether there are rows for the one at hand, of which this is the key, looked up for it alone.

    An offset, even one of nothing, keeps PostgreSQL from reading all the rows that anyone may look up first: it
    does not see that a page is soon full.
    """
    found: Select[Any] = select(literal_column("1")).select_from(rows).where(*where).correlate(identity.table)
    return found.suffix_with("OFFSET 0", dialect="postgresql").exists()


_COMPARISONS: Mapping[Operator, Callable[[Any, Any], Any]] = {
    Operator.EQUAL: operator.eq,
    Operator.UNEQUAL: operator.ne,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.GREATER: operator.gt,
    Operator.AT_LEAST: operator.ge,
    Operator.CONTAINS: contains,
    Operator.PRESENT: lambda _column, _value: true(),
}


def compared(column: ColumnElement[Any], how: Operator, value: Any) -> ColumnElement[bool]:
    """A comparison of what is there with a value."""
    wanted = None if value is None else value.for_column(column)
    comparison: ColumnElement[bool] = _COMPARISONS[how](column, wanted)
    return comparison


def _prefix_of(prefix: ColumnElement[Any], how: Operator, value: Parameter) -> ColumnElement[bool]:
    """What holds of a prefix whenever the comparison holds of the whole text."""
    match how:
        case Operator.EQUAL:
            return prefix == value.prefix(prefix)
        case Operator.LESS | Operator.AT_MOST:
            return prefix <= value.prefix(prefix)
        case Operator.GREATER | Operator.AT_LEAST:
            return prefix >= value.prefix(prefix)
        case _:
            return true()
