"""RFC 8785 canonical JSON, at the speed of the standard library where its text and numbers are the same bytes.

The two differ in numbers (ECMAScript writes ``1`` and ``1e-7`` where Python writes ``1.0`` and ``1e-07``), in the
order of keys beyond ASCII, and in what they refuse. Whatever could differ is left to :mod:`rfc8785`.
"""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import Any

import rfc8785

_MAX_INTEGER = 2**53 - 1


def canonical_json(value: Any) -> bytes:
    """The canonical bytes of a JSON value.

    Raises:
        rfc8785.CanonicalizationError: if it is none: a number that JSON cannot hold, or text that is not Unicode.
    """
    try:
        text = _written(value)
    except _Different:
        return rfc8785.dumps(value)
    return text.encode() if text.isascii() else rfc8785.dumps(value)


class _Different(Exception):
    """The two may write a value differently."""


def _written(value: Any) -> str:
    """The value as both write it alike, as far as that shows without looking at text."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is int:
        if -_MAX_INTEGER <= value <= _MAX_INTEGER:
            return str(value)
    elif kind is dict:
        for key in value:
            if type(key) is not str:
                raise _Different
        members = [f"{encode_basestring(key)}:{_written(value[key])}" for key in sorted(value)]
        return f"{{{','.join(members)}}}"
    elif kind is list or kind is tuple:
        return f"[{','.join([_written(element) for element in value])}]"
    elif kind is float:
        if value.is_integer() and -_MAX_INTEGER <= value <= _MAX_INTEGER:
            return str(int(value))
        if 1e-4 <= abs(value) < 1e15:  # written without an exponent by both
            return repr(value)
    elif kind is bool:
        return "true" if value else "false"
    elif value is None:
        return "null"
    elif isinstance(value, str):
        return encode_basestring(str(value))
    raise _Different
