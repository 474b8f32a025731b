"""Orders as sort terms, and the place in them where a page ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    FromClause,
    Select,
    UnaryExpression,
    and_,
    bindparam,
    func,
    not_,
    or_,
    select,
    type_coerce,
)

from muniment_core.db.search.dialect import written
from muniment_core.db.search.sources import Child, OfModel, Own, Source, looked_up
from muniment_core.db.tables import PREFIX, models
from muniment_core.db.types import UtcDateTime
from muniment_core.domain.search import Field, OrderKey

Key: TypeAlias = str | int | float | None

LARGEST = 1.7976931348623157e308
"""The largest number that is not infinite."""


@dataclass(frozen=True, slots=True)
class Term:
    """One expression to sort by; where it is NULL a row comes last, in either direction.

    Attributes:
        owner: key of what has the expression, if nothing else has the same. It alters no order, and tells SQLite
            that rows of one owner follow each other, so that they can be read in the order of what comes next.
    """

    expression: ColumnElement[Any]
    descending: bool
    nullable: bool = True
    owner: ColumnElement[int] | None = None

    def sorting(self) -> list[UnaryExpression[Any]]:
        """What stands in ORDER BY."""
        parts = [self.expression] if self.owner is None else [self.expression, self.owner]
        values = [part.desc() if self.descending else part.asc() for part in parts]
        return [self.expression.is_(None).asc(), *values] if self.nullable else values

    def after(self, name: str | None, rest: ColumnElement[bool]) -> ColumnElement[bool]:
        """Rows that come after a key, which is a parameter or None for nothing.

        ``rest`` tells which of the rows with the same key come after it.
        """
        if name is None:
            return and_(self.expression.is_(None), rest)
        key = bindparam(name, type_=self.expression.type)
        beyond = self.expression < key if self.descending else self.expression > key
        later = or_(beyond, and_(self.expression == key, rest))
        if self.nullable:
            return or_(self.expression.is_(None), later)
        # Said once more in a form that an index can begin from.
        return and_(self.expression <= key if self.descending else self.expression >= key, later)


def after(
    terms: Sequence[Term], names: Sequence[str | None], identity: ColumnElement[int], *, descending: bool
) -> ColumnElement[bool]:
    """Rows that come after the one with these keys, which are parameters, and the id ``after``."""
    last = bindparam("after", type_=BigInteger())
    rest = identity < last if descending else identity > last
    for term, name in reversed(list(zip(terms, names, strict=True))):
        rest = term.after(name, rest)
    return rest


def terms(row: FromClause, key: OrderKey, fields: Mapping[str, Source]) -> list[Term]:
    """The terms that order rows by a field, wherever it is kept."""
    source = fields[key.field.name]
    if isinstance(source, Child) and source.ordered is not None:
        found = source.ordered(row)
    elif isinstance(source, Child):
        found = [_of_children(row, key.field, source, column) for column in columns(source, key.field)]
    elif isinstance(source, OfModel):
        found = [select(models.c.name).where(models.c.id == row.c.model_id).correlate(row).scalar_subquery()]
        return [Term(found[0], key.descending, nullable=False)]
    else:
        column = _cut(row.c[source.column], source)
        found = [func.nullif(column, written("")) if source.blank else column]
        return [Term(found[0], key.descending, nullable=source.blank)]
    return [Term(expression, key.descending) for expression in found]


def columns(source: Child, field: Field) -> tuple[str, ...]:
    """The columns a field is ordered by: a parameter may be a number, which comes first, or a text."""
    if field.name == "params":
        return "number", "prefix"
    return ("prefix",) if source.prefixed else (source.column(field, None),)


def has_key(rows: FromClause, source: Child, field: Field, column: str) -> ColumnElement[bool]:
    """Whether a row of a table of its own has something to order by in a column."""
    parts = [rows.c.key == field.key] if source.keyed else []
    value = rows.c[column]
    if isinstance(value.type, Float):
        return and_(*parts, value.between(-LARGEST, LARGEST))
    # Not written as IS NOT NULL, which SQLite does not read as a range of the index.
    return and_(*parts, value > written("") if source.blank else value >= written(""))


def without_key(row: FromClause, source: Child, field: Field) -> ColumnElement[bool]:
    """Whether a row has nothing to order by in a field."""
    rows = source.table.alias()
    here = or_(*(has_key(rows, source, field, column) for column in columns(source, field)))
    return not_(looked_up(row.c.id, rows, rows.c[source.owner] == row.c.id, here))


def _of_children(row: FromClause, field: Field, source: Child, column: str) -> ColumnElement[Any]:
    rows = source.table.alias()
    value = _cut(rows.c[column], source)
    here = has_key(rows, source, field, column)
    chosen: Select[Any] = select(func.min(value) if source.many else value)
    return chosen.where(rows.c[source.owner] == row.c.id, here).correlate(row).scalar_subquery()


def _cut(column: ColumnElement[Any], source: Own | Child) -> ColumnElement[Any]:
    if isinstance(column.type, UtcDateTime):
        # Microseconds, so that a key is a JSON value.
        return type_coerce(column, BigInteger)
    return func.substr(column, 1, PREFIX) if source.long else column
