"""The two messages that carry bytes, read and written by hand, in the wire format of the contract.

They are ``PutChunksRequest`` and ``ReadRangesResponse`` of ``muniment/v1/artifact_service.proto``; other programs
may use the generated classes, and cannot tell the difference. Those copy the bytes into the message and out of it;
here data is a view of what gRPC received, and is copied once on its way out.

The format: https://protobuf.dev/programming-guides/encoding. Whatever is not as we write it ourselves, such as a
field this program does not know, is left to the generated class, so there is one truth about odd messages.
"""

from __future__ import annotations

from dataclasses import dataclass

from muniment.v1 import artifact_service_pb2 as pb

_VARINT, _LENGTH = 0, 2
_MASK_64 = 2**64 - 1
_MAX_INT32 = 2**31


@dataclass(frozen=True, slots=True)
class PutFrame:
    """A ``PutChunksRequest``."""

    parent: str = ""
    digest: str = ""
    size: int = 0
    offset: int = 0
    data: bytes | memoryview = b""
    file_offset: int = 0
    file_size: int = 0


@dataclass(frozen=True, slots=True)
class RangeFrame:
    """A ``ReadRangesResponse``."""

    range_index: int
    offset: int
    data: bytes | memoryview


def encode_put(frame: PutFrame) -> bytes:
    """The bytes of a ``PutChunksRequest``."""
    head = bytearray()
    for field, text in ((1, frame.parent), (2, frame.digest)):
        if text:
            data = text.encode()
            _with_length(head, field, len(data))
            head += data
    _with_number(head, 3, frame.size)
    _with_number(head, 4, frame.offset)
    tail = bytearray()
    _with_number(tail, 6, frame.file_offset)
    _with_number(tail, 7, frame.file_size)
    if len(frame.data):
        _with_length(head, 5, len(frame.data))
    return b"".join((head, frame.data, tail))


def decode_put(message: bytes) -> PutFrame:
    """Read a ``PutChunksRequest``; ``data`` is a view of ``message``.

    Raises:
        google.protobuf.message.DecodeError: if it is none.
    """
    found = _read(message, numbers=(3, 4, 6, 7), lengths=(1, 2, 5))
    if found is not None:
        numbers, views = found
        try:
            parent, digest = str(views.get(1, b""), "utf-8"), str(views.get(2, b""), "utf-8")
            return PutFrame(
                parent,
                digest,
                numbers.get(3, 0),
                numbers.get(4, 0),
                views.get(5, b""),
                numbers.get(6, 0),
                numbers.get(7, 0),
            )
        except UnicodeDecodeError:
            pass
    whole = pb.PutChunksRequest.FromString(message)
    return PutFrame(
        whole.parent,
        whole.digest,
        whole.size,
        whole.offset,
        whole.data,
        whole.file_offset,
        whole.file_size,
    )


def encode_range(frame: RangeFrame) -> bytes:
    """The bytes of a ``ReadRangesResponse``."""
    head = bytearray()
    _with_number(head, 1, frame.range_index)
    _with_number(head, 2, frame.offset)
    if len(frame.data):
        _with_length(head, 3, len(frame.data))
    return b"".join((head, frame.data))


def decode_range(message: bytes) -> RangeFrame:
    """Read a ``ReadRangesResponse``; ``data`` is a view of ``message``.

    Raises:
        google.protobuf.message.DecodeError: if it is none.
    """
    found = _read(message, numbers=(1, 2), lengths=(3,))
    # An index is an int32: what is larger on the wire is cut down by those who read it so.
    if found is not None and found[0].get(1, 0) < _MAX_INT32:
        numbers, views = found
        return RangeFrame(numbers.get(1, 0), numbers.get(2, 0), views.get(3, b""))
    whole = pb.ReadRangesResponse.FromString(message)
    return RangeFrame(whole.range_index, whole.offset, whole.data)


def _with_number(head: bytearray, field: int, value: int) -> None:
    if value:
        head.append(field << 3 | _VARINT)
        # Negative numbers are written as the 64 bits they have in memory.
        _append_varint(head, value & _MASK_64)


def _with_length(head: bytearray, field: int, length: int) -> None:
    head.append(field << 3 | _LENGTH)
    _append_varint(head, length)


def _append_varint(head: bytearray, value: int) -> None:
    while value > 0x7F:
        head.append(value & 0x7F | 0x80)
        value >>= 7
    head.append(value)


def _read(
    message: bytes, *, numbers: tuple[int, ...], lengths: tuple[int, ...]
) -> tuple[dict[int, int], dict[int, memoryview]] | None:
    """The fields of a message, the last one of each number; None if there is anything odd about it."""
    view = memoryview(message)
    found: dict[int, int] = {}
    views: dict[int, memoryview] = {}
    position = 0
    try:
        while position < len(message):
            tag = message[position]
            value, position = _varint(message, position + 1)
            if tag & 7 == _VARINT and tag >> 3 in numbers:
                found[tag >> 3] = value
            elif tag & 7 == _LENGTH and tag >> 3 in lengths and position + value <= len(message):
                views[tag >> 3] = view[position : position + value]
                position += value
            else:
                return None
    except (IndexError, _OddNumber):
        return None
    return found, views


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = 0
    # Nine bytes hold all numbers that are not negative.
    for shift in range(0, 63, 7):
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise _OddNumber


class _OddNumber(ValueError):
    pass
