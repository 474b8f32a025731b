"""A query written as a caller would write it."""

from __future__ import annotations

from datetime import datetime

from muniment.names import VersionName
from muniment_core.domain.search import (
    AllOf,
    AnyOf,
    Aspect,
    Condition,
    Expression,
    Field,
    Not,
    Operator,
    OrderKey,
    Value,
)

_ASPECTS = {Aspect.LATEST: "", Aspect.LOWEST: ".min", Aspect.HIGHEST: ".max"}


def filter_text(expression: Expression) -> str:
    """A filter that means an expression; every part stands in parentheses."""
    match expression:
        case AllOf(parts):
            return " AND ".join(f"({filter_text(part)})" for part in parts)
        case AnyOf(parts):
            return " OR ".join(f"({filter_text(part)})" for part in parts)
        case Not(part):
            return f"NOT ({filter_text(part)})"
        case Condition(field, Operator.PRESENT):
            return f"{field_text(field)}:*"
        case Condition(field, operator, value):
            return f"{field_text(field)} {operator.value} {value_text(value)}"


def order_text(order: tuple[OrderKey, ...]) -> str:
    """An `order_by` that means an order."""
    return ", ".join(field_text(key.field) + (" desc" if key.descending else "") for key in order)


def field_text(field: Field) -> str:
    """The path of a field, with its key in quotes."""
    return field.name + (f".{quoted(field.key)}{_ASPECTS[field.aspect]}" if field.key else "")


def value_text(value: Value) -> str:
    """A value; text in quotes."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value.text if isinstance(value, VersionName) else repr(value)


def quoted(text: str) -> str:
    """Text in double quotes, with escapes."""
    for plain, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        text = text.replace(plain, escape)
    return f'"{text}"'
