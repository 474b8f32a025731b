"""Text for people's eyes: harmless, aligned, short."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

# Controls, format characters (bidirectional ones among them), surrogates, line and paragraph separators: what
# could move the cursor, change colours or reorder what stands around it.
_HARMFUL = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_SHORT_DIGEST = len("sha256:") + 12
_SHOWN = 3
# Up to here every whole number is one of floating point, too.
_WHOLE = 2**53
_UNITS = ("KiB", "MiB", "GiB", "TiB")


def neutral(text: str) -> str:
    """The text with characters a terminal would act on written as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape", "surrogatepass").decode()
        if unicodedata.category(character) in _HARMFUL
        else character
        for character in text
    )


def width(text: str) -> int:
    """Columns a text takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def when(time: datetime | None) -> str:
    """A time in UTC, to the second."""
    return "" if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def size(count: int) -> str:
    """A number of bytes, in the unit that keeps it short."""
    if count < 1024:
        return f"{count} B"
    power = min((count.bit_length() - 1) // 10, len(_UNITS))
    return f"{count / 1024**power:.1f} {_UNITS[power - 1]}"


def number(value: str | float) -> str:
    """A number without the noise of floating point, a whole one with all its digits; text as it is."""
    if isinstance(value, str):
        return value
    return f"{value:.0f}" if abs(value) <= _WHOLE and value == int(value) else f"{value:.15g}"


def short(digest: str) -> str:
    """The beginning of a digest, enough to tell versions apart in a list."""
    return digest[:_SHORT_DIGEST]


def last(resource: str) -> str:
    """The last part of a resource name."""
    return resource.rpartition("/")[2]


def pairs(mapping: Mapping[str, str | float] | Iterable[tuple[str, str | float]]) -> list[str]:
    """``key = value`` of each, by key."""
    items = mapping.items() if isinstance(mapping, Mapping) else mapping
    return [f"{key} = {number(value)}" for key, value in sorted(items)]


def some(items: Iterable[str]) -> str:
    """The first few, and how many there are more."""
    listed = list(items)
    more = len(listed) - _SHOWN
    return ", ".join(listed[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def moved(current: int, previous: int) -> str:
    """Where a pointer is and where it was."""
    return str(current) + (f" (was {previous})" if previous else "") if current else ""
