"""The value of a condition in the type of its field."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time
from typing import NoReturn

from muniment.names import InvalidName, Selector, VersionName
from muniment_core.domain.errors import InvalidFilter
from muniment_core.domain.search import FieldSpec, Kind, Operator, Value

from muniment_metadata.search.grammar import FILTER
from muniment_metadata.search.syntax import Comparison, Literal

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_INFINITY = re.compile(r"[-+]?inf(inity)?", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[-+]\d{2}:\d{2})", re.ASCII)
_MOST_WHOLE = 2**63 - 1


def value_of(
    spec: FieldSpec, operator: Operator, value: Literal, comparison: Comparison, project: str
) -> Value:
    """The value a condition compares with.

    Raises:
        InvalidFilter: if it is not one of the field's kind.
    """
    if value.text == "*" and not value.quoted:
        _refuse(value, f"* stands after : alone; to compare with a star write {value.text!r}")
    match spec.kind:
        case Kind.TEXT:
            return _text(operator, value, comparison)
        case Kind.TEXT_OR_NUMBER:
            return _text_or_number(operator, value)
        case Kind.WHOLE:
            return _whole(value)
        case Kind.NUMBER:
            return _number(value)
        case Kind.TIME:
            return _time(value)
        case Kind.WORD:
            return _word(value, spec.words)
        case Kind.VERSION:
            return _version(value, project)


def _refuse(value: Literal, why: str) -> NoReturn:
    raise InvalidFilter(FILTER, value.position, why)


def _text(operator: Operator, value: Literal, comparison: Comparison) -> str:
    ordered = operator not in (Operator.EQUAL, Operator.UNEQUAL, Operator.CONTAINS)
    if ordered and not value.quoted and _NUMBER.fullmatch(value.text):
        name = ".".join(part.text for part in comparison.path)
        _refuse(
            value, f"{name} is text, in which 10 comes before 9: put {value.text} in quotes if that is meant"
        )
    return value.text


def _text_or_number(operator: Operator, value: Literal) -> str | float:
    if value.quoted or operator is Operator.CONTAINS:
        return value.text
    return _finite(value) if _NUMBER.fullmatch(value.text) else value.text


def _finite(value: Literal) -> float:
    number = float(value.text)
    if math.isinf(number):
        _refuse(value, f"{value.text[:50]} is too large for a number")
    return number


def _number(value: Literal) -> float:
    if not value.quoted:
        if _NUMBER.fullmatch(value.text):
            return _finite(value)
        if _INFINITY.fullmatch(value.text):
            return float(value.text)
        if value.text.lower() == "nan":
            _refuse(value, "nothing equals NaN; metrics.KEY:* finds it together with all other values")
    _refuse(value, f"{_shown(value)} is not a number")


def _whole(value: Literal) -> int:
    if not value.quoted and _NUMBER.fullmatch(value.text):
        number = int(value.text) if value.text.lstrip("+-").isdecimal() else _finite(value)
        if number == int(number) and abs(number) <= _MOST_WHOLE:
            return int(number)
    _refuse(value, f"{_shown(value)} is not a whole number of at most 64 bits")


def _time(value: Literal) -> datetime:
    try:
        if _DATE.fullmatch(value.text):
            return datetime.combine(date.fromisoformat(value.text), time(), UTC)
        if _TIME.fullmatch(value.text):
            return datetime.fromisoformat(value.text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        _refuse(value, f"{_shown(value)} is not in the calendar")
    _refuse(value, f"{_shown(value)} is not a time: write 2026-11-23T14:00:00Z or 2026-11-23")


def _word(value: Literal, words: tuple[str, ...]) -> str:
    if value.text.upper() in words:
        return value.text.upper()
    _refuse(value, f"{_shown(value)} is none of {', '.join(words)}")


def _version(value: Literal, project: str) -> Selector | VersionName:
    try:
        if value.text.startswith("projects/"):
            return VersionName.parse(value.text)
        return Selector.parse(value.text, project)
    except InvalidName as error:
        _refuse(value, str(error))


def _shown(value: Literal) -> str:
    return repr(value.text[:100])
