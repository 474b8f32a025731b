"""Inputs and outputs: taken as they are at the moment of the call, digested later.

Taking costs the serving thread a microsecond or two. What can be changed afterwards, such as a list, is copied by
``marshal``, the fastest serializer of plain values there is; it never leaves the process.
"""

from __future__ import annotations

import hashlib
import marshal
from dataclasses import dataclass

from muniment.digests import Digest
from muniment.errors import InvalidArgument
from muniment.ledger.canonical import NotCanonical, write

_BYTES_OF_MARSHAL = (b"s"[0], b"s"[0] | 0x80)
"""How ``marshal`` begins a bytes object, which is also how it takes arrays of other libraries."""


@dataclass(frozen=True, slots=True)
class JsonSnapshot:
    """A value of JSON as it was when it was recorded."""

    marshalled: bytes


Taken = bytes | str | Digest | JsonSnapshot


def take(value: object, what: str) -> Taken:
    """Keep a value as it is now.

    Raises:
        InvalidArgument: if it is neither bytes, text, a digest nor what JSON can hold.
    """
    kind = type(value)
    if kind is bytes or kind is str or kind is Digest:
        return value  # type: ignore[return-value]
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    try:
        marshalled = marshal.dumps(value)  # type: ignore[arg-type]  # what it cannot take it refuses
    except ValueError:
        marshalled = b"s"
    if marshalled[0] in _BYTES_OF_MARSHAL:
        raise InvalidArgument(
            f"{what} holds what JSON does not have, in a {kind.__name__}: give bytes, text, a Digest, or plain "
            "lists, mappings, numbers and text (arrays have .tolist())"
        )
    return JsonSnapshot(marshalled)


def content(taken: bytes | str | JsonSnapshot) -> bytes:
    """The bytes that are digested: text in UTF-8, JSON in its canonical form (RFC 8785).

    Raises:
        NotCanonical: if there are none.
    """
    if isinstance(taken, bytes):
        return taken
    if isinstance(taken, str):
        try:
            return taken.encode()
        except UnicodeEncodeError:
            raise NotCanonical("is text that is not Unicode") from None
    return write(marshal.loads(taken.marshalled))


def digest_and_content(taken: Taken, limit: int) -> tuple[bytes, bytes]:
    """The 32 bytes of the digest, and the content if it is known and has at most ``limit`` bytes."""
    if isinstance(taken, Digest):
        return taken.raw, b""
    data = content(taken)
    return hashlib.sha256(data).digest(), data if len(data) <= limit else b""
