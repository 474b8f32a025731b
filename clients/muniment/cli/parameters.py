"""From words of the command line to values; what cannot be read is wrong usage."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar, get_args

import click

from muniment.values import Dataset, Parent, ProcessingStep
from muniment.values.evidence import Relation

T = TypeVar("T")

_DATASET_FIELDS = ("name", "version", "digest", "uri", "role")
_RELATIONS: Mapping[str, Relation] = {word.lower(): word for word in get_args(Relation)}
# Text that looks like a number to people and changes when it is stored as one (007, +49, 1_000) stays text.
_DECIMAL = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_DURATION = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def to_text(word: str) -> str:
    """Text that names something; an empty one is as a rule a variable that was never set, and would mean all."""
    if not word:
        raise click.BadParameter("it is empty; was a variable never set?")
    return to_prose(word)


def to_prose(word: str) -> str:
    """Text that can be sent: bytes that are not of the terminal's encoding arrive as lone surrogates."""
    if any("\ud800" <= character <= "\udfff" for character in word):
        raise click.BadParameter(f"{word!r} is not text in the encoding of this terminal.")
    return word


def to_path(word: str) -> str:
    """Take a path as it is, whatever its encoding; an empty one is as a rule a variable that was never set."""
    if not word:
        raise click.BadParameter("it is empty, while a path is needed.")
    return word


def to_number(word: str) -> int:
    """Read a version number or revision, or 0 where that means none."""
    if not _NUMBER.fullmatch(word):
        raise click.BadParameter(f"{word!r} is not a number: write 0, 1, 2…")
    return int(word)


def to_count(word: str) -> int:
    """Read how many at most; none at all is a slip."""
    if (number := to_number(word)) < 1:
        raise click.BadParameter(f"{word!r} is too few: write 1, 2, 3…")
    return number


def to_seconds(word: str) -> float:
    """Read a number of seconds above 0."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", word) or not float(word) > 0:
        raise click.BadParameter(f"{word!r} is not a number of seconds: write 5, 120, 0.5…")
    return float(word)


def to_pair(word: str) -> tuple[str, str]:
    """Read ``KEY=VALUE``."""
    key, equals, value = to_prose(word).partition("=")
    if not equals or not key:
        raise click.BadParameter(f"{word!r} is not KEY=VALUE.")
    return key, value


def to_param(word: str) -> tuple[str, str | float]:
    """Read ``KEY=VALUE``, where the value is a number if nothing is lost by taking it for one."""
    key, value = to_pair(word)
    return key, _number_or_text(value)


def to_metric(word: str) -> tuple[str, float]:
    """Read ``KEY=NUMBER``; nan and inf are numbers."""
    key, value = to_pair(word)
    try:
        # Python reads 1_000 and blanks as well, which are slips here.
        return key, float(value if re.fullmatch(r"[A-Za-z0-9.+-]+", value) else "")
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a number.") from None


def to_dataset(word: str) -> Dataset:
    """Read ``name=…,version=…,…``; a comma that no word and ``=`` follow is part of the value."""
    fields: dict[str, str] = {}
    for part in re.split(r",(?=[A-Za-z_]+=)", to_text(word)):
        key, equals, value = part.partition("=")
        if not equals or key not in _DATASET_FIELDS:
            known = ", ".join(f"{field}=…" for field in _DATASET_FIELDS)
            raise click.BadParameter(f"{part!r} is not one of {known}.")
        if key in fields:
            raise click.BadParameter(f"{key}=… is given twice.")
        fields[key] = value
    if not fields.get("name"):
        raise click.BadParameter("name=… is missing.")
    return Dataset(**fields)


def to_parent(word: str) -> Parent:
    """Read ``SELECTOR[:RELATION]``."""
    selector, colon, relation = to_text(word).rpartition(":")
    # The colon may also be the one of a digest.
    if not colon or selector.endswith("@sha256"):
        return Parent(word)
    if relation.lower() not in _RELATIONS:
        raise click.BadParameter(f"relation {relation!r} is not one of {', '.join(_RELATIONS)}.")
    return Parent(selector, _RELATIONS[relation.lower()])


def to_step(word: str) -> ProcessingStep:
    """Read ``NAME[=TEXT]``."""
    name, _, description = to_text(word).partition("=")
    return ProcessingStep(name, description)


def to_expiry(word: str) -> datetime:
    """Read a duration from now, or a date with or without time; UTC unless it says otherwise."""
    return _moment(word, 1)


def to_past(word: str) -> datetime:
    """Read a duration before now, or a date with or without time; UTC unless it says otherwise."""
    return _moment(word, -1)


def _moment(word: str, direction: int) -> datetime:
    try:
        if match := _DURATION.fullmatch(word):
            return datetime.now(UTC) + direction * timedelta(**{_UNITS[match[2]]: int(match[1])})
        moment = datetime.fromisoformat(word)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{word!r} is neither like 12h, 30d, 8w nor a date like 2027-01-31."
        ) from None


def to_moment(word: str) -> datetime | int:
    """Read a revision, or a moment of the past."""
    return int(word) if _NUMBER.fullmatch(word) else to_past(word)


def once(pairs: Iterable[tuple[str, T]], option: str) -> dict[str, T]:
    """The pairs as a mapping; a key given twice is a slip, not a wish."""
    mapping: dict[str, T] = {}
    for key, value in pairs:
        if key in mapping:
            raise click.UsageError(f"{option} {key}=… is given twice.")
        mapping[key] = value
    return mapping


def _number_or_text(text: str) -> str | float:
    if not _DECIMAL.fullmatch(text):
        return text
    number = float(text)
    whole = text.lstrip("-").isdecimal()
    if number in (float("inf"), float("-inf")) or (whole and int(number) != int(text)):
        return text
    return number
