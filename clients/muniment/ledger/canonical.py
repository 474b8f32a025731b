"""RFC 8785 canonical JSON: one value, one sequence of bytes.

What the ledger hashes is JSON in this form, so that nobody can write one entry two ways. Reading is strict for
the same reason: text that another writer would have put differently is refused, repeated members included.
"""

from __future__ import annotations

import json
import math
from typing import Any

MAX_INTEGER = 2**53 - 1
"""Largest integer RFC 8785 can write: what an IEEE 754 double holds exactly."""

_PLAIN = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
# JSONEncoder makes this function anew for every value, which for the small ones of a ledger takes longer than
# writing them. Where the interpreter has none, JSONEncoder does.
_make: Any = getattr(json.encoder, "c_make_encoder", None)
_parts: Any = _make and _make(None, None, json.encoder.encode_basestring, None, ":", ",", True, False, False)


class NotCanonical(ValueError):
    """Bytes are not the canonical JSON of any value, or a value has none."""


def read(data: bytes) -> Any:
    """The value of canonical JSON.

    Raises:
        NotCanonical: if the bytes are no JSON, or not in canonical form.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise NotCanonical(f"no UTF-8: {error.reason}") from None
    value, end = read_prefix(text, 0)
    if end != len(text):
        raise NotCanonical(f"no canonical JSON: more follows after {end} characters")
    if not is_canonical(value, text):
        raise NotCanonical("JSON, but not in canonical form")
    return value


def read_prefix(text: str, start: int) -> tuple[Any, int]:
    """A value in the middle of text, and where it ends; whether it is canonical is not checked.

    Raises:
        NotCanonical: if there is no JSON.
    """
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        raise NotCanonical(f"no canonical JSON: {error}") from None


def is_canonical(value: Any, text: str) -> bool:
    """Whether text is the canonical JSON of the value that was read from it.

    Raises:
        NotCanonical: if the value has none.
    """
    # Nearly always the encoder of the standard library writes what RFC 8785 asks for, and it is the faster one.
    return _plain(value) == text or _text(value) == text


def write(value: Any) -> bytes:
    """The canonical JSON of a value made of dict, list, tuple, str, int, float, bool and None.

    Raises:
        NotCanonical: if it holds anything else, a number that is not finite, an integer that is too large, or
            text that is not Unicode.
    """
    try:
        return (_plain_text(value) or _text(value)).encode()
    except UnicodeEncodeError as error:
        raise NotCanonical(f"text is not Unicode: {error.reason}") from None
    except RecursionError:
        raise NotCanonical("a value is nested too deeply") from None


def _plain_text(value: Any) -> str:
    """What the standard library writes, in half the time, where RFC 8785 asks for the same; else nothing."""
    if not _has_plain_names(value):
        return ""
    try:
        text = _PLAIN.encode(value)
    except (TypeError, ValueError):
        return ""
    # Beyond ASCII names may be ordered in another way; ECMAScript has its own exponents and only one zero.
    if not text.isascii() or "e+" in text or "e-" in text or "-0.0" in text:
        return ""
    if ".0" not in text:
        return text
    if "\\" in text:
        return ""
    parts = text.split('"')
    # Every other part is a text, in which a whole number means nothing.
    parts[::2] = [part.replace(".0,", ",").replace(".0]", "]").replace(".0}", "}") for part in parts[::2]]
    return '"'.join(parts).removesuffix(".0")


def _has_plain_names(value: Any) -> bool:
    """Whether names are text and integers not too large; the encoder takes other names and writes any integer."""
    if isinstance(value, dict):
        for name, member in value.items():
            kind = type(member)
            if type(name) is not str or (
                kind is not float and kind is not str and not _has_plain_names(member)
            ):
                return False
    elif isinstance(value, list | tuple):
        for member in value:
            kind = type(member)
            if kind is not float and kind is not str and not _has_plain_names(member):
                return False
    elif isinstance(value, int):
        return -MAX_INTEGER <= value <= MAX_INTEGER
    return True


def _plain(value: Any) -> str:
    return "".join(_parts(value, 0)) if _parts else _PLAIN.encode(value)


def _text(value: Any) -> str:
    match value:
        case None | bool() | str():
            return _PLAIN.encode(value)
        case int():
            if abs(value) > MAX_INTEGER:
                raise NotCanonical(f"the integer {value} is larger than {MAX_INTEGER}")
            return str(value)
        case float():
            return _number(value)
        case dict():
            for name in value:
                if not isinstance(name, str):
                    raise NotCanonical(f"a member is named {name!r}, while names are text")
            # The order is that of UTF-16 code units, which is another one beyond the basic plane.
            names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
            return "{" + ",".join(f"{_PLAIN.encode(name)}:{_text(value[name])}" for name in names) + "}"
        case list() | tuple():
            return "[" + ",".join(map(_text, value)) + "]"
    raise NotCanonical(f"{type(value).__name__} has no JSON")


def _number(value: float) -> str:
    """As ECMAScript's Number::toString writes it (ECMA-262, section 6.1.6.1.20)."""
    if not math.isfinite(value):
        raise NotCanonical(f"{value} has no JSON")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = float.__repr__(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction.removesuffix("0") if fraction == "0" else whole + fraction
    point = len(whole) + int(exponent or 0)
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    digits = stripped.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    tail = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def _canonical_float(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value) or _number(value) != literal:
        raise NotCanonical(f"the number {literal[:40]} is written another way")
    return value


def _canonical_integer(literal: str) -> int | float:
    value = int(literal)
    # Digits alone also write doubles of 2**53 and more, which are other numbers than the digits say.
    return value if -MAX_INTEGER <= value <= MAX_INTEGER else _canonical_float(literal)


def _refuse(literal: str) -> None:
    raise NotCanonical(f"{literal} is no JSON")


_DECODER = json.JSONDecoder(
    parse_float=_canonical_float, parse_int=_canonical_integer, parse_constant=_refuse
)
