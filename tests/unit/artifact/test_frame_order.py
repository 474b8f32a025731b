"""Which frames make a chunk, and which end the stream."""

from __future__ import annotations

import pytest
from muniment.digests import Digest
from muniment_artifact.intake import Frame, FrameOrder
from muniment_artifact.limits import Limits
from muniment_core.domain.errors import FrameOutOfOrder, InvalidField, LimitExceeded, SizeMismatch

LIMITS = Limits(max_chunk_bytes=100, max_frame_bytes=10)
A, B = Digest.of(b"a"), Digest.of(b"b")


def _first(size: int = 20, data: bytes = b"0123456789") -> Frame:
    return Frame(A, size, 0, data)


def test_frames_of_several_chunks_follow_each_other() -> None:
    order = FrameOrder(LIMITS)
    first = order.place(_first())
    assert not first.is_whole
    assert order.place(Frame(None, 0, 10, b"0123456789")) is first
    assert first.is_whole
    second = order.place(Frame(B, 3, 0, b"abc"))
    assert second is not first
    assert (second.chunk.digest, second.is_whole) == (B, True)
    order.end()


def test_later_frames_may_repeat_digest_and_size() -> None:
    order = FrameOrder(LIMITS)
    order.place(_first())
    assert order.place(Frame(A, 20, 10, b"0123456789")).is_whole


@pytest.mark.parametrize(
    ("frames", "error"),
    [
        ([Frame(None, 20, 0, b"x")], InvalidField),
        ([Frame(A, 0, 0, b"x")], InvalidField),
        ([Frame(A, -1, 0, b"x")], InvalidField),
        ([Frame(A, 101, 0, b"x")], LimitExceeded),
        ([Frame(A, 100, 0, b"x" * 11)], LimitExceeded),
        ([Frame(A, 20, 0, b"")], InvalidField),
        ([Frame(A, 20, 1, b"x")], FrameOutOfOrder),
        ([Frame(A, 20, -1, b"x")], FrameOutOfOrder),
        ([_first(), _first()], FrameOutOfOrder),
        ([_first(), Frame(None, 0, 11, b"x")], FrameOutOfOrder),
        ([_first(), Frame(None, 0, 9, b"x")], FrameOutOfOrder),
        ([_first(), Frame(B, 20, 10, b"x")], FrameOutOfOrder),
        ([_first(), Frame(None, 21, 10, b"x")], SizeMismatch),
        ([_first(size=12), Frame(None, 0, 10, b"xyz")], SizeMismatch),
        ([_first(size=9)], SizeMismatch),
        ([Frame(A, 20, 0, b"x", file_offset=-1, file_size=100)], InvalidField),
        ([Frame(A, 20, 0, b"x", file_offset=81, file_size=100)], InvalidField),
        ([Frame(A, 20, 0, b"x", file_offset=0, file_size=19)], InvalidField),
    ],
)
def test_a_frame_that_does_not_fit_ends_the_stream(frames: list[Frame], error: type[Exception]) -> None:
    order = FrameOrder(LIMITS)
    for frame in frames[:-1]:
        order.place(frame)
    with pytest.raises(error):
        order.place(frames[-1])


def test_a_stream_that_ends_inside_a_chunk_is_refused() -> None:
    order = FrameOrder(LIMITS)
    order.place(_first())
    with pytest.raises(FrameOutOfOrder) as refused:
        order.end()
    assert refused.value.facts["expected"] == "10"
