"""What a search must find, in plain Python and without regard to speed."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

from muniment.names import VersionName
from muniment_core.domain.catalog import VersionState
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
    Query,
)

from catalogs.made_up import Placed, at

_COMPARISONS: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQUAL: operator.eq,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.GREATER: operator.gt,
    Operator.AT_LEAST: operator.ge,
    Operator.CONTAINS: lambda held, value: value in held,
}


def search(versions: Sequence[Placed], query: Query) -> list[int]:
    """The keys of the versions that a query finds, in its order."""
    found = [
        version
        for version in versions
        if (query.deleted or version.made_up.state is not VersionState.DELETED)
        and holds(version, query.where)
    ]
    found.sort(key=lambda version: version.id, reverse=query.order[-1].descending if query.order else True)
    for key in reversed(query.order):
        found = _ordered(found, key)
    return [version.id for version in found]


def holds(version: Placed, expression: Expression) -> bool:
    """Whether an expression holds of a version."""
    match expression:
        case AllOf(parts):
            return all(holds(version, part) for part in parts)
        case AnyOf(parts):
            return any(holds(version, part) for part in parts)
        case Not(part):
            return not holds(version, part)
        case Condition():
            return _meets(values(version, expression.field), expression)


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


def values(version: Placed, field: Field) -> list[Any]:
    """What a version has in a field; nothing where it is missing."""
    one = version.made_up
    match field.name:
        case "model":
            return [one.model]
        case "number":
            return [version.number]
        case "digest":
            return [one.digest]
        case "state":
            return [one.state.value]
        case "stage":
            return sorted(version.stages)
        case "alias":
            return sorted(version.aliases)
        case "description":
            return [one.description] if one.description else []
        case "author":
            return [one.author]
        case "create_time":
            return [at(one.created)]
        case "update_time":
            return [at(one.updated)]
        case "size_bytes":
            return [one.size_bytes]
        case "tags":
            return [one.tags[field.key]] if field.key in one.tags else []
        case "params":
            return [one.params[field.key]] if field.key in one.params else []
        case "metrics":
            return _metric(version, field)
        case "dataset.name":
            return [dataset.name for dataset in one.datasets]
        case "dataset.version":
            return [dataset.version for dataset in one.datasets if dataset.version]
        case "dataset.digest":
            return [dataset.digest for dataset in one.datasets if dataset.digest]
        case "parent":
            return list(version.parent_names)
        case "parent.relation":
            return list(version.relations)
        case "code.commit":
            return [one.code.commit] if one.code and one.code.commit else []
        case "code.repository":
            return [one.code.repository] if one.code and one.code.repository else []
        case "run.id":
            return [one.run.id] if one.run and one.run.id else []
    raise AssertionError(field)


def _metric(version: Placed, field: Field) -> list[float]:
    taken = [value for key, value in version.made_up.metrics if key == field.key]
    if not taken or field.aspect is Aspect.LATEST:
        return taken[-1:]
    numbers = [value for value in taken if not math.isnan(value)]
    if not numbers:
        return [math.nan]
    return [min(numbers) if field.aspect is Aspect.LOWEST else max(numbers)]


def _ordered(versions: list[Placed], key: OrderKey) -> list[Placed]:
    """The versions sorted by one key; those that are equal in it stay as they are."""
    groups: dict[int, list[tuple[Any, Placed]]] = {0: [], 1: [], 2: []}
    for version in versions:
        held = values(version, key.field)
        if not held or (isinstance(held[0], float) and not math.isfinite(held[0])):
            groups[2].append((0, version))
        elif isinstance(held[0], str):
            groups[1].append((min(text[:128] for text in held), version))
        else:
            groups[0].append((held[0], version))
    for group in groups.values():
        group.sort(key=lambda pair: pair[0], reverse=key.descending)
    return [version for group in groups.values() for _, version in group]
