"""A query without its values: what its statements are made of, once for all queries of the same form.

Building a statement takes longer than running it. Programs ask the same questions with other values, and people
turn pages, so statements are kept by their form, and values go in as parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from muniment.names import Selector, VersionName

from muniment_core.db.search.sources import PROJECT, Child, Parameter, Source
from muniment_core.db.tables import PREFIX
from muniment_core.domain.search import AllOf, AnyOf, Condition, Expression, Not, Query

VersionRef: TypeAlias = Selector | VersionName


@dataclass(frozen=True, slots=True)
class Shaped:
    """A query with parameters for values, and the values by parameter."""

    query: Query
    values: Mapping[str, Any]


def shaped(
    query: Query, fields: Mapping[str, Source], project_id: int, versions: Mapping[VersionRef, int]
) -> Shaped:
    """Take the values out of a query.

    Args:
        versions: keys of the versions that conditions name; those that name others are met by nothing.
    """
    values: dict[str, Any] = {PROJECT.key: project_id}

    def without_value(condition: Condition) -> Condition:
        value: Any = condition.value
        if value is None:
            return condition
        name = f"value_{len(values)}"
        if isinstance(value, Selector | VersionName):
            value = versions.get(value)
        else:
            source = fields[condition.field.name]
            value = source.stored(value) if isinstance(source, Child) else value
        values[name] = value
        is_text = isinstance(value, str)
        if is_text:
            values[f"{name}_prefix"] = value[:PREFIX]
        parameter = Parameter(
            name, is_text=is_text, is_long=is_text and len(value) >= PREFIX, is_missing=value is None
        )
        return replace(condition, value=parameter)  # type: ignore[arg-type]

    return Shaped(replace(query, where=_mapped(query.where, without_value)), values)


def _mapped(expression: Expression, change: Callable[[Condition], Condition]) -> Expression:
    match expression:
        case Condition():
            return change(expression)
        case Not(part):
            return Not(_mapped(part, change))
        case AllOf(parts):
            return AllOf(tuple(_mapped(part, change) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(_mapped(part, change) for part in parts))
