"""Small conversions at the edge between protobuf and values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def time_of(message: Any, field: str) -> datetime | None:
    """A timestamp field as an aware datetime in UTC, to the microsecond; None when it is absent."""
    if not message.HasField(field):
        return None
    instant: datetime = getattr(message, field).ToDatetime(tzinfo=UTC)
    return instant


def enum_word(descriptor: Any, number: int, prefix: str) -> str:
    """The name of an enum value without its prefix; one this SDK does not know is its number."""
    value = descriptor.DESCRIPTOR.values_by_number.get(number)
    return str(number) if value is None else str(value.name).removeprefix(prefix)
