"""RFC 8785 canonical JSON, at the speed of the standard library's encoder where that writes the same bytes.

The two differ in numbers (ECMAScript writes ``1`` and ``1e-7`` where Python writes ``1.0`` and ``1e-07``), in the
order of keys beyond ASCII, and in what they refuse. Whatever could differ is left to :mod:`rfc8785`.
"""

from __future__ import annotations

import json
from typing import Any

import rfc8785

_MAX_INTEGER = 2**53 - 1
_ENCODE = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode


def canonical_json(value: Any) -> bytes:
    """The canonical bytes of a JSON value.

    Raises:
        rfc8785.CanonicalizationError: if it is none: a number that JSON cannot hold, or text that is not Unicode.
    """
    try:
        text = _ENCODE(_alike(value))
    except _Different:
        return rfc8785.dumps(value)
    return text.encode() if text.isascii() else rfc8785.dumps(value)


class _Different(Exception):
    """The two encoders may write a value differently."""


def _alike(value: Any) -> Any:
    """The value as both encoders write it alike, as far as that shows without looking at text."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is int:
        if -_MAX_INTEGER <= value <= _MAX_INTEGER:
            return value
    elif kind is float:
        if value.is_integer() and -_MAX_INTEGER <= value <= _MAX_INTEGER:
            return int(value)
        if 1e-4 <= abs(value) < 1e15:  # written without an exponent by both
            return value
    elif kind is dict:
        for key in value:
            if type(key) is not str:
                raise _Different
        return {key: _alike(member) for key, member in value.items()}
    elif kind is list or kind is tuple:
        return [_alike(member) for member in value]
    elif isinstance(value, str):
        return str(value)
    raise _Different
