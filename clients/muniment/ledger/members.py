"""Reading JSON that must be exactly as expected: no member more, none less, each of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from muniment.ledger.evidence import InvalidEvidence, decode

T = TypeVar("T")


class Malformed(InvalidEvidence):
    """A file is not of the form it should have."""


def members(value: object, where: str, required: set[str], optional: frozenset[str] = frozenset()) -> Members:
    """An object with these members and no other.

    Raises:
        Malformed: if it is none.
    """
    if not isinstance(value, Mapping):
        raise Malformed(f"{where} is not an object")
    if missing := sorted(required - value.keys()):
        raise Malformed(f"{where} lacks {', '.join(missing)}")
    if unknown := sorted(value.keys() - required - optional):
        raise Malformed(f"{where} has {unknown[0][:100]!r}, which does not belong there")
    return Members(value, where)


class Members:
    """The members of an object; each is read as what it must be, or :class:`Malformed` is raised."""

    def __init__(self, value: Mapping[str, object], where: str) -> None:
        self.value = value
        self._where = where

    def text(self, name: str, default: str | None = None) -> str:
        """A member that is text."""
        return self._of(name, str, "text", default)

    def number(self, name: str, default: int | None = None) -> int:
        """A member that is a whole number, not negative."""
        found = self._of(name, int, "a whole number", default)
        if isinstance(found, bool) or found < 0:
            raise Malformed(f"{self._where}.{name} is not a whole number")
        return found

    def json(self, name: str, default: Mapping[str, object] | None = None) -> Mapping[str, object]:
        """A member that is an object."""
        found: Mapping[str, object] = self._of(
            name, dict, "an object", None if default is None else dict(default)
        )
        return found

    def list(self, name: str) -> list[object]:
        """A member that is a list."""
        return self._of(name, list, "a list", None)

    def hex(self, name: str, length: int) -> bytes:
        """A member that is bytes, written in lower-case hexadecimal digits."""
        text = self.text(name)
        try:
            data = bytes.fromhex(text)
        except ValueError:
            data = b""
        if data.hex() != text or len(data) != length:
            raise Malformed(f"{self._where}.{name} is not {length} bytes in hexadecimal digits")
        return data

    def base64(self, name: str) -> bytes:
        """A member that is bytes, in base64."""
        return _decoded(self.text(name), f"{self._where}.{name}")

    def base64_list(self, name: str) -> tuple[bytes, ...]:
        """A member that is a list of bytes, in base64."""
        where = f"{self._where}.{name}"
        found = []
        for text in self.list(name):
            if not isinstance(text, str):
                raise Malformed(f"{where} holds something that is not text")
            found.append(_decoded(text, where))
        return tuple(found)

    def _of(self, name: str, kind: type[T], called: str, default: T | None) -> T:
        found = self.value.get(name, default)
        if not isinstance(found, kind):
            raise Malformed(f"{self._where}.{name} is not {called}")
        return found


def _decoded(text: str, where: str) -> bytes:
    try:
        return decode(text)
    except ValueError as error:
        raise Malformed(f"{where} {error}") from None
