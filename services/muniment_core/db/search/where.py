"""An expression as one SQL condition on a row. Every condition is true or false, never NULL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import ColumnElement, FromClause, and_, false, not_, or_, true

from muniment_core.db.search.sources import Source
from muniment_core.domain.search import AllOf, AnyOf, Condition, Expression, Not


def holds(row: FromClause, expression: Expression, fields: Mapping[str, Source]) -> ColumnElement[bool]:
    """The condition that an expression holds of a row; it is not deeper than the contract allows."""
    match expression:
        case Condition(field):
            return fields[field.name].holds(row, expression)
        case Not(part):
            return not_(holds(row, part, fields))
        case AllOf(parts):
            return and_(true(), *(holds(row, part, fields) for part in parts))
        case AnyOf(parts):
            return or_(false(), *(holds(row, part, fields) for part in parts))


def needed(expression: Expression) -> Iterator[Expression]:
    """The parts of an expression each of which must hold."""
    if isinstance(expression, AllOf):
        for part in expression.parts:
            yield from needed(part)
    else:
        yield expression
