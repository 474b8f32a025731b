"""What a search must find, in plain Python and without regard to speed."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from muniment.names import VersionName
from muniment_core.domain.search import (
    AllOf,
    AnyOf,
    Condition,
    Expression,
    Field,
    Not,
    Operator,
    OrderKey,
    Query,
)


class Row(Protocol):
    """A version or a model where it came to stand."""

    @property
    def id(self) -> int:
        """Its key, which grows in the order of creation."""

    def values(self, field: Field) -> list[Any]:
        """What it has in a field; nothing where it is missing."""


_COMPARISONS: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQUAL: operator.eq,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.GREATER: operator.gt,
    Operator.AT_LEAST: operator.ge,
    Operator.CONTAINS: lambda held, value: value in held,
}


def search(rows: Sequence[Row], query: Query) -> list[int]:
    """The keys of the rows that a query finds, in its order."""
    found = [
        row
        for row in rows
        if (query.deleted or row.values(Field("state")) != ["DELETED"]) and holds(row, query.where)
    ]
    found.sort(key=lambda row: row.id, reverse=query.order[-1].descending if query.order else True)
    for key in reversed(query.order):
        found = _ordered(found, key)
    return [row.id for row in found]


def holds(row: Row, expression: Expression) -> bool:
    """Whether an expression holds of a row."""
    match expression:
        case AllOf(parts):
            return all(holds(row, part) for part in parts)
        case AnyOf(parts):
            return any(holds(row, part) for part in parts)
        case Not(part):
            return not holds(row, part)
        case Condition():
            return _meets(row.values(expression.field), expression)


def _meets(held: list[Any], condition: Condition) -> bool:
    if condition.operator is Operator.PRESENT:
        return bool(held)
    wanted = condition.value
    if isinstance(wanted, VersionName):
        wanted = wanted.text
    comparable = [
        value
        for value in held
        if isinstance(value, str) == isinstance(wanted, str)
        and not (isinstance(value, float) and math.isnan(value))
    ]
    if condition.operator is Operator.UNEQUAL:
        return bool(comparable) and all(value != wanted for value in comparable)
    return any(_COMPARISONS[condition.operator](value, wanted) for value in comparable)


def _ordered(rows: Sequence[Row], key: OrderKey) -> list[Row]:
    """The rows sorted by one key; those that are equal in it stay as they are."""
    groups: dict[int, list[tuple[Any, Row]]] = {0: [], 1: [], 2: []}
    for row in rows:
        held = row.values(key.field)
        if not held or (isinstance(held[0], float) and not math.isfinite(held[0])):
            groups[2].append((0, row))
        elif key.field.name == "parent":
            groups[1].append((min((name.model, name.number) for name in map(VersionName.parse, held)), row))
        elif isinstance(held[0], str):
            groups[1].append((min(text[:128] for text in held), row))
        else:
            groups[0].append((held[0], row))
    for group in groups.values():
        group.sort(key=lambda pair: pair[0], reverse=key.descending)
    return [row for group in groups.values() for _, row in group]
