"""Requests of too many fields are refused unread, and all others read as ever."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given
from hypothesis import strategies as st
from muniment.v1 import artifact_service_pb2 as pb
from muniment.v1 import catalog_pb2, metadata_service_pb2
from muniment_core.rpc import shape
from muniment_core.rpc.shape import SMALL_BYTES, bounded, bounded_throughout

REQUEST = pb.CommitUploadRequest(
    parent="projects/default",
    files=[
        pb.FileEntry(path=f"{number}", size=3, chunks=[pb.Chunk(digest="x" * 71, size=1)] * 300)
        for number in range(5)
    ],
)
FIELDS = 1 + 5 + 5 * (2 + 300)


def test_a_request_may_have_so_many_fields_and_no_more() -> None:
    data = REQUEST.SerializeToString()
    assert len(data) > SMALL_BYTES
    assert bounded(pb.CommitUploadRequest, FIELDS, inside=2)(data) == REQUEST
    assert bounded(pb.CommitUploadRequest, 6)(data) == REQUEST
    with pytest.raises(DecodeError, match=f"more than {FIELDS - 1} fields"):
        bounded(pb.CommitUploadRequest, FIELDS - 1, inside=2)(data)
    with pytest.raises(DecodeError):
        bounded(pb.CommitUploadRequest, 5)(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x12\x00" * 10**6,
        b"\x12\x80\x89\x7a" + b"\x22\x00" * 10**6,
        b"\x0a\x00" * 10**6,
        b"\x98\x06\x01" * 10**6,
    ],
)
def test_what_is_small_to_send_and_large_to_hold_is_refused_at_once(data: bytes) -> None:
    with pytest.raises(DecodeError):
        bounded(pb.CommitUploadRequest, 1_000, inside=2)(data)


@pytest.mark.parametrize(
    "end", [b"\x12", b"\x12\x05", b"\x0b", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x0d\x00"]
)
def test_what_is_no_message_is_refused(end: bytes) -> None:
    data = pb.PlanUploadRequest(parent="x" * SMALL_BYTES).SerializeToString() + end
    with pytest.raises(DecodeError):
        bounded(pb.PlanUploadRequest, 100)(data)


def _outcome(read, data: bytes) -> object:
    try:
        return read(data)
    except DecodeError:
        return "no message"


@given(st.binary(max_size=60))
@example(b"\x12\x02\x12\x00")
@example(b"\x1d\x00\x00\x00\x00\x19\x00\x00\x00\x00\x00\x00\x00\x00")
def test_what_passes_is_read_as_ever(data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shape, "SMALL_BYTES", 0)
        found = _outcome(bounded(pb.CommitUploadRequest, 1_000, inside=2), data)
    assert found in ("no message", _outcome(pb.CommitUploadRequest.FromString, data))


def test_fields_are_counted_throughout_a_request() -> None:
    tags = {f"key-{number}": "x" * 100 for number in range(1_000)}
    request = metadata_service_pb2.CreateVersionRequest(parent="p", version=catalog_pb2.Version(tags=tags))
    data = request.SerializeToString()
    assert len(data) > SMALL_BYTES
    fields = 2 + 1_000 + 2 * 1_000  # those of the request and of the version, and the entries of the map
    assert bounded_throughout(metadata_service_pb2.CreateVersionRequest, fields)(data) == request
    with pytest.raises(DecodeError, match=f"more than {fields - 1} fields"):
        bounded_throughout(metadata_service_pb2.CreateVersionRequest, fields - 1)(data)
