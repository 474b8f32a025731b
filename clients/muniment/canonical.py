"""Canonical JSON, https://www.rfc-editor.org/rfc/rfc8785: one sequence of bytes for each value.

Numbers are written as ECMAScript writes them, members are ordered by the UTF-16 code units of their names.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from json.encoder import encode_basestring

LARGEST_INTEGER = 2**53 - 1
"""Beyond this, readers that take numbers for floating point lose digits."""


class NotCanonical(ValueError):
    """The value, or the text, has no canonical form; the message says why."""


def canonical_json(value: object) -> bytes:
    """The canonical bytes of None, booleans, numbers, text, and lists and mappings of these.

    Raises:
        NotCanonical: if there is anything else in it, or a number that JSON does not have.
    """
    parts: list[str] = []
    try:
        _write(value, parts)
        return "".join(parts).encode()
    except RecursionError:
        raise NotCanonical("is nested too deeply") from None
    except UnicodeEncodeError:
        raise NotCanonical("holds text that is not Unicode") from None


def parse_canonical(data: bytes) -> object:
    """The value of canonical JSON; any other spelling of it is refused.

    Raises:
        NotCanonical: if the bytes are not the canonical form of a value.
    """
    try:
        value = json.loads(data.decode(), parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise NotCanonical(f"is not JSON ({error})") from None
    if canonical_json(value) != data:
        raise NotCanonical("is JSON, and not in its canonical form")
    return value


def _write(value: object, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(encode_basestring(value))
    elif value is None:
        parts.append("null")
    elif value is True:
        parts.append("true")
    elif value is False:
        parts.append("false")
    elif isinstance(value, float):
        parts.append(_number(value))
    elif isinstance(value, int):
        if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            raise NotCanonical(f"holds {value}, while integers go to {LARGEST_INTEGER}: write it as text")
        parts.append(str(int(value)))
    elif isinstance(value, list | tuple):
        separator = "["
        for item in value:
            parts.append(separator)
            _write(item, parts)
            separator = ","
        parts.append("]" if separator == "," else "[]")
    elif isinstance(value, Mapping):
        separator = "{"
        for name in _ordered(value):
            parts.append(separator)
            parts.append(encode_basestring(name))
            parts.append(":")
            _write(value[name], parts)
            separator = ","
        parts.append("}" if separator == "," else "{}")
    else:
        raise NotCanonical(f"holds {_called(value)}, which JSON does not have: convert it to plain values")


def _integer(text: str) -> int | float:
    """Large whole numbers are those of floating point, which are written without a point too."""
    number = int(text)
    return number if -LARGEST_INTEGER <= number <= LARGEST_INTEGER else float(text)


def _ordered(value: Mapping[object, object]) -> list[str]:
    names = list(value)
    for name in names:
        if not isinstance(name, str):
            raise NotCanonical(f"holds a member named {name!r}, while names are text")
    texts: list[str] = names  # type: ignore[assignment]  # looked at one by one above
    if all(map(str.isascii, texts)):
        return sorted(texts)
    return sorted(texts, key=lambda name: name.encode("utf-16-be"))


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise NotCanonical(f"holds {value}, which JSON does not have")
    if value == 0:
        return "0"
    text = float.__repr__(value)
    if "e" not in text:
        return text.removesuffix(".0")
    if 1e-6 <= abs(value) < 1e21:
        return format(Decimal(text), "f")
    return text.replace("e-0", "e-")


def _called(value: object) -> str:
    # Snapshots of values keep arrays and scalars of other libraries as their bytes.
    return (
        "bytes, or an array of another library" if isinstance(value, bytes) else f"a {type(value).__name__}"
    )
