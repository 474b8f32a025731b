"""From syntax to conditions: every field is known, every value has its type, or the position is named."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from muniment_core.domain.errors import InvalidFilter, LimitExceeded
from muniment_core.domain.search import (
    EVERYTHING,
    MODEL_FIELDS,
    VERSION_FIELDS,
    AllOf,
    AnyOf,
    Aspect,
    Condition,
    Expression,
    Field,
    FieldSpec,
    Kind,
    Not,
    Operator,
)

from muniment_metadata.search.grammar import FILTER, parse
from muniment_metadata.search.names import find_field
from muniment_metadata.search.syntax import Comparison, Junction, Literal, Syntax
from muniment_metadata.search.values import value_of

MAX_FILTER = 4_096
MAX_CONDITIONS = 64
_ORDERS = (Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST)
_EQUALITY = (Operator.EQUAL, Operator.UNEQUAL)


def version_filter(text: str, project: str) -> Expression:
    """What a filter on versions asks for; ``project`` is that of selectors which name none.

    Raises:
        InvalidFilter: naming the position.
        LimitExceeded: if it is too long.
    """
    return _read(text, project, versions=True)


def model_filter(text: str) -> Expression:
    """What a filter on models asks for; raises as :func:`version_filter`."""
    return _read(text, "", versions=False)


def _read(text: str, project: str, *, versions: bool) -> Expression:
    if len(text) > MAX_FILTER:
        raise LimitExceeded(FILTER, MAX_FILTER, len(text))
    return _remembered(text, project, versions)


@lru_cache(256)
def _remembered(text: str, project: str, versions: bool) -> Expression:
    """Programs ask the same few questions again and again."""
    syntax = parse(text)
    if syntax is None:
        return EVERYTHING
    return _Checker(VERSION_FIELDS if versions else MODEL_FIELDS, project).check(syntax)


class _Checker:
    """Checks one filter."""

    def __init__(self, fields: Mapping[str, FieldSpec], project: str) -> None:
        self._fields = fields
        self._project = project
        self._conditions = 0

    def check(self, syntax: Syntax) -> Expression:
        """What a piece of syntax asks for. It is never deeper than parentheses are allowed to be."""
        if isinstance(syntax, Junction):
            parts = tuple(map(self.check, syntax.parts))
            return AllOf(parts) if syntax.is_and else AnyOf(parts)
        if isinstance(syntax, Literal):
            self._count(syntax.position)
            return self._anywhere(syntax)
        if isinstance(syntax, Comparison):
            self._count(syntax.position)
            return self._condition(syntax)
        return Not(self.check(syntax.part))

    def _count(self, position: int) -> None:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise InvalidFilter(
                FILTER, position, f"this is one condition more than the {MAX_CONDITIONS} allowed"
            )

    def _anywhere(self, word: Literal) -> Expression:
        """A value alone: searched for where people look first."""
        if not word.text or (word.text == "*" and not word.quoted):
            raise InvalidFilter(
                FILTER, word.position, "a value alone is searched for in names, and this one is everywhere"
            )
        names = ("model" if "model" in self._fields else "name", "description")
        return AnyOf(tuple(Condition(Field(name), Operator.CONTAINS, word.text) for name in names))

    def _condition(self, comparison: Comparison) -> Expression:
        operator, value = Operator(comparison.operator), comparison.value
        field, spec = find_field(
            comparison.path,
            self._fields,
            FILTER,
            best=_best(operator),
            key=value if operator is Operator.CONTAINS else None,
        )
        everything = value.text == "*" and not value.quoted
        if operator is Operator.CONTAINS and (everything or (spec.keyed and _is_key(comparison))):
            return Condition(field, Operator.PRESENT)
        if operator is Operator.CONTAINS and spec.kind not in (Kind.TEXT, Kind.TEXT_OR_NUMBER):
            operator = Operator.EQUAL
        if operator in _ORDERS and spec.kind in (Kind.WORD, Kind.VERSION):
            raise InvalidFilter(
                FILTER,
                comparison.position,
                f"{comparison.path[0].text} has no order: compare it with = or !=",
            )
        return Condition(field, operator, value_of(spec, operator, value, comparison, self._project))


def _best(operator: Operator) -> Aspect | None:
    """Which value of a metric is the best for a comparison: the one that meets it most easily."""
    if operator in (Operator.GREATER, Operator.AT_LEAST):
        return Aspect.HIGHEST
    return Aspect.LOWEST if operator in (Operator.LESS, Operator.AT_MOST) else None


def _is_key(comparison: Comparison) -> bool:
    """Whether it is ``tags:KEY``."""
    return len(comparison.path) == 1
