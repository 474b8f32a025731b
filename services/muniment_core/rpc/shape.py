"""Messages that are small to send and large to hold, refused before they are parsed.

Two bytes of a request can be an empty message inside it, which costs fifty when it is read: a request of 64 MiB
would keep the event loop busy for seconds and fill a gigabyte, to be refused afterwards for naming too much. How
much may stand in a request is known, and counting it needs no memory.

The format: https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TypeVar

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message

SMALL_BYTES = 64 * 1024
"""Whatever is in a request of this size is read at once."""

MOST_FIELDS = 50_000
"""Twice what the largest version has in its record that can be registered."""

M = TypeVar("M", bound=Message)


class TooManyFields(DecodeError):
    """A request that may well be one of its method, and would name too much."""

    def __init__(self, most: int) -> None:
        super().__init__(f"has more than {most} fields, repeats counted: ask for less at once")


_VARINT, _FIXED_64, _LENGTH, _FIXED_32 = 0, 1, 2, 5


def bounded(message: type[M], most: int, *, inside: int | None = None) -> Callable[[bytes], M]:
    """A deserializer that refuses requests of more than ``most`` fields.

    Args:
        message: class of the request.
        most: fields of the request, repeats counted, and of the messages in its field ``inside``.
        inside: number of a field that holds messages which hold others.

    Returns:
        What reads a request; it raises ``TooManyFields`` for one of more, ``DecodeError`` for what is none.
    """

    def read(data: bytes) -> M:
        if len(data) > SMALL_BYTES:
            left = most
            for number, start, end in _fields(data, 0, len(data)):
                left -= 1
                if number == inside:
                    for _ in _fields(data, start, end):
                        left -= 1
                        if left < 0:
                            break
                if left < 0:
                    raise TooManyFields(most)
        return message.FromString(data)

    return read


def bounded_throughout(message: type[M], most: int = MOST_FIELDS) -> Callable[[bytes], M]:
    """The same for requests whose fields are few, counting those of all messages inside them."""

    def read(data: bytes) -> M:
        if len(data) > SMALL_BYTES:
            left = most
            unread = [(message.DESCRIPTOR, 0, len(data))]
            while unread:
                kind, start, end = unread.pop()
                inside = _messages_in(kind)
                for number, first, after in _fields(data, start, end):
                    left -= 1
                    if left < 0:
                        raise TooManyFields(most)
                    if number in inside:
                        unread.append((inside[number], first, after))
        return message.FromString(data)

    return read


@cache
def _messages_in(kind: Descriptor) -> Mapping[int, Descriptor]:
    """The fields of a message that hold messages, and which."""
    return {field.number: field.message_type for field in kind.fields if field.message_type is not None}


def _fields(data: bytes, position: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, first byte and end of each field."""
    try:
        while position < end:
            tag, position = _varint(data, position)
            kind = tag & 7
            start = position
            if kind == _LENGTH:
                length, start = _varint(data, position)
                position = start + length
            elif kind == _VARINT:
                _, position = _varint(data, position)
            elif kind == _FIXED_64:
                position += 8
            elif kind == _FIXED_32:
                position += 4
            else:
                raise DecodeError("groups are not read")
            if position > end:
                raise DecodeError("a field ends after its message")
            yield tag >> 3, start, position
    except IndexError:
        raise DecodeError("a message ends inside a field") from None


def _varint(data: bytes, position: int) -> tuple[int, int]:
    byte = data[position]
    position += 1
    value = byte & 0x7F
    shift = 7
    while byte & 0x80:
        if shift > 63:
            raise DecodeError("a number is too long")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
    return value, position
