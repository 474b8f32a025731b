"""What a check finds: one thing in one place that is not what it must be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not what it must be.

    Attributes:
        table: where.
        key: which row, in words people use for it where there are any; empty for the table as a whole.
        column: which column, or what is made of several; empty for the row as a whole.
        found: what is there, as the end of a sentence.
        expected: what should be, as a sentence; empty when ``found`` says it all.
    """

    table: str
    key: str
    column: str
    found: str
    expected: str = ""

    def __post_init__(self) -> None:
        # Keys are what a table holds, and that may be no text at all.
        object.__setattr__(self, "key", shown_key(self.key))

    @property
    def line(self) -> str:
        """The difference in one line."""
        place = " ".join(part for part in (self.table, self.key, self.column) if part)
        return f"{place} {self.found}" + (f", while {self.expected}" if self.expected else "")

    @property
    def fields(self) -> dict[str, str]:
        """The difference as JSON has it."""
        return asdict(self)


def compare(
    table: str, key: object, found: Mapping[Any, Any], expected: Mapping[str, Any], *, by: str = "the ledger"
) -> Iterator[Difference]:
    """The columns of a row that do not have the expected values; ``by`` tells who expects them."""
    for column, value in expected.items():
        there = found[column]
        if there != value:
            yield Difference(table, shown_key(key), column, f"is {shown(there)}", f"{by} says {shown(value)}")


def missing(table: str, key: object, by: str = "the ledger tells of it") -> Difference:
    """A row that is not there."""
    return Difference(table, shown_key(key), "", "is missing", by)


def surplus(table: str, key: object) -> Difference:
    """A row that should not be there."""
    return Difference(table, shown_key(key), "", "is there", "the ledger does not tell of it")


def shown(value: object) -> str:
    """A value on one line, harmless to terminals and not too long."""
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        text = data[:32].hex() + ("…" if len(data) > 32 else "")
        return f"{text or 'no bytes'}" if len(data) <= 32 else f"{text} ({len(data)} bytes)"
    if value is None:
        return "nothing"
    text = ascii(value)
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…"


def shown_key(key: object) -> str:
    """A key on one line: text without quotes, unless it needs them."""
    text = str(key)
    if text.isprintable() and text.isascii() and len(text) <= _MOST_SHOWN:
        return text
    return shown(text)


def microseconds(time: str) -> int | None:
    """A time of an entry as tables keep it; None for the empty text, which is never."""
    if not time:
        return None
    try:
        return (datetime.fromisoformat(time) - _EPOCH) // _MICROSECOND
    except (ValueError, TypeError):
        # No time at all equals no number of microseconds.
        return -1


def time_at(value: int) -> datetime:
    """A time as tables keep it.

    Raises:
        TypeError, OverflowError: if it is no such number.
    """
    return _EPOCH + value * _MICROSECOND
