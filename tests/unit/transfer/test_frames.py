"""Frames written by hand are those of the generated classes, and are read alike, whoever wrote them."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given
from hypothesis import strategies as st
from muniment.frames import PutFrame, RangeFrame, decode_put, decode_range, encode_put, encode_range
from muniment.v1 import artifact_service_pb2 as pb

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
numbers = st.integers(-(2**63), 2**63 - 1)


def put(message: pb.PutChunksRequest) -> tuple[object, ...]:
    place = message.file_offset, message.file_size
    return message.parent, message.digest, message.size, message.offset, message.data, *place


def put_fields(frame: PutFrame) -> tuple[object, ...]:
    place = frame.file_offset, frame.file_size
    return frame.parent, frame.digest, frame.size, frame.offset, bytes(frame.data), *place


@given(texts, texts, numbers, numbers, st.binary(max_size=300), numbers, numbers)
@example("", "", 0, 0, b"", 0, 0)
@example("p", "d", 2**63 - 1, -1, bytes(1 << 20), 2**63 - 1, -1)
def test_what_is_put_is_written_and_read_as_the_generated_class_does(
    parent: str, digest: str, size: int, offset: int, data: bytes, file_offset: int, file_size: int
) -> None:
    message = pb.PutChunksRequest(
        parent=parent,
        digest=digest,
        size=size,
        offset=offset,
        data=data,
        file_offset=file_offset,
        file_size=file_size,
    )
    written = encode_put(PutFrame(parent, digest, size, offset, memoryview(data), file_offset, file_size))
    assert written == message.SerializeToString(deterministic=True)
    assert put_fields(decode_put(written)) == put(message)


@given(st.integers(-(2**31), 2**31 - 1), numbers, st.binary(max_size=300))
@example(0, 0, b"")
def test_a_range_is_written_and_read_as_the_generated_class_does(
    index: int, offset: int, data: bytes
) -> None:
    message = pb.ReadRangesResponse(range_index=index, offset=offset, data=data)
    written = encode_range(RangeFrame(index, offset, data))
    assert written == message.SerializeToString(deterministic=True)
    frame = decode_range(written)
    assert (frame.range_index, frame.offset, bytes(frame.data)) == (index, offset, data)


def _outcome(read, wire: bytes) -> object:
    try:
        return read(wire)
    except DecodeError:
        return "no message"


@given(st.binary(max_size=60))
@example(b"\x0a\x01\xff")
@example(b"\x0a\x01")
@example(b"\x08\x80\x80\x80\x80\x08")
@example(b"\x2a\x01a\x2a\x01b")
@example(b"\x30\x01\x38\x02")
@example(b"\x98\x06\x01\x2a\x01a")
@example(b"\x1a\x01a")
@example(b"\x00\x00")
@example(b"\x1d\x00\x00\x00\x00")
@example(b"\x18" + b"\xff" * 9 + b"\x7f")
def test_any_bytes_mean_what_they_mean_to_the_generated_classes(wire: bytes) -> None:
    assert _outcome(lambda data: put_fields(decode_put(data)), wire) == _outcome(
        lambda data: put(pb.PutChunksRequest.FromString(data)), wire
    )

    def read_range(data: bytes) -> object:
        frame = decode_range(data)
        return frame.range_index, frame.offset, bytes(frame.data)

    def read_generated(data: bytes) -> object:
        message = pb.ReadRangesResponse.FromString(data)
        return message.range_index, message.offset, message.data

    assert _outcome(read_range, wire) == _outcome(read_generated, wire)


def test_data_that_is_read_is_not_copied() -> None:
    wire = encode_put(PutFrame(data=bytes(1_000)))
    assert isinstance(decode_put(wire).data, memoryview)
    with pytest.raises(DecodeError):
        decode_range(b"\x1a\x05abc")
