"""Conditions on fields, how they are joined, and orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from muniment.names import Selector, VersionName

from muniment_core.domain.search.fields import Field


class Operator(StrEnum):
    """How a field is compared with a value."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    CONTAINS = ":"
    PRESENT = ":*"


Value: TypeAlias = str | int | float | datetime | Selector | VersionName | None


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; ``value`` has the type of the field, and is None for PRESENT."""

    field: Field
    operator: Operator
    value: Value = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds when every part does, so without parts always."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds when one part does."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds when its part does not: there is no third truth value."""

    part: Expression


Expression: TypeAlias = Condition | AllOf | AnyOf | Not

EVERYTHING = AllOf(())


@dataclass(frozen=True, slots=True)
class OrderKey:
    """A field to order by; what is not there comes last in either direction."""

    field: Field
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for, and in which order; no order means newest first."""

    where: Expression = EVERYTHING
    order: tuple[OrderKey, ...] = ()
    deleted: bool = False


def conditions_of(expression: Expression) -> Iterator[Condition]:
    """Every condition of an expression, from left to right."""
    match expression:
        case Condition():
            yield expression
        case Not(part):
            yield from conditions_of(part)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from conditions_of(part)
