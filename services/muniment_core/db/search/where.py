"""An expression as one SQL condition on a row. Every condition is true or false, never NULL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import ColumnElement, FromClause, and_, false, not_, or_, true

from muniment_core.db.search.sources import Child, Source
from muniment_core.domain.search import AllOf, AnyOf, Condition, Expression, Not


def holds(
    row: FromClause, identity: ColumnElement[int], expression: Expression, fields: Mapping[str, Source]
) -> ColumnElement[bool]:
    """The condition that an expression holds of a row; it is not deeper than the contract allows.

    Args:
        identity: the key of the row, wherever it is read first. What lies in other tables is looked up by it: the
            row need not be read where that does not hold.
    """
    match expression:
        case Condition(field):
            source = fields[field.name]
            if isinstance(source, Child):
                return source.holds(identity, expression)
            return source.holds(row, expression)
        case Not(part):
            return not_(holds(row, identity, part, fields))
        case AllOf(parts):
            return and_(true(), *(holds(row, identity, part, fields) for part in parts))
        case AnyOf(parts):
            return or_(false(), *(holds(row, identity, part, fields) for part in parts))


def needed(expression: Expression) -> Iterator[Expression]:
    """The parts of an expression each of which must hold."""
    if isinstance(expression, AllOf):
        for part in expression.parts:
            yield from needed(part)
    else:
        yield expression
