"""The body of a sealed batch: predictions one after the other, compressed.

Format: 16 random bytes, then zlib (RFC 1950) over, for each prediction, its length as a protobuf varint and its
bytes. Names and times compress away; what stays is mostly the two digests. The random bytes give every batch a
body of its own: two with the same predictions would share one blob, which the first to expire would remove.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterator, Sequence

from muniment_core.domain.errors import BytesDamaged

_LEVEL = 1
"""Digests do not compress; a higher level gains a few percent and costs several times as much."""
_OWN_BYTES = 16


def pack_body(records: Sequence[bytes]) -> bytes:
    """The body of a batch."""
    parts: list[bytes] = []
    for record in records:
        parts += (_varint(len(record)), record)
    return secrets.token_bytes(_OWN_BYTES) + zlib.compress(b"".join(parts), _LEVEL)


def unpack_body(body: bytes, digest: str) -> list[bytes]:
    """The predictions of a body.

    Raises:
        BytesDamaged: if it is not what :func:`pack_body` wrote.
    """
    try:
        return list(_records(zlib.decompress(memoryview(body)[_OWN_BYTES:])))
    except (zlib.error, IndexError, ValueError) as error:
        raise BytesDamaged(digest, f"is not the body of a batch of predictions ({error})") from error


def _records(data: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(data):
        length = shift = 0
        while True:
            byte = data[position]
            position += 1
            length |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
        if position + length > len(data):
            raise ValueError("it ends inside a prediction")
        yield data[position : position + length]
        position += length


def _varint(value: int) -> bytes:
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7)) if value >= 0x80 else bytes((value,))
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
