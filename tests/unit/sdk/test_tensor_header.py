"""Headers of safetensors files: what is told of tensors, and what is refused because it cannot be true."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from muniment.tensor_header import (
    MAX_HEADER_BYTES,
    MAX_TENSORS,
    StoredTensor,
    UntrueHeader,
    header_length,
    read_header,
)

DATA = 100
TENSOR = b'{"dtype":"U8","shape":[],"data_offsets":[0,1]}'


def _read(header: Any, data: int = DATA) -> tuple[StoredTensor, ...]:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return read_header(text, 8 + len(text) + data)


def _tensor(begin: Any, end: Any, **members: Any) -> dict[str, Any]:
    return {"dtype": "U8", "shape": [1], "data_offsets": [begin, end], **members}


def test_tensors_are_told_in_the_order_of_their_bytes() -> None:
    header = {
        "__metadata__": {"format": "pt"},
        "b": _tensor(40, 100),
        "a": _tensor(0, 40),
        "none": _tensor(40, 40),
    }
    start = 8 + len(json.dumps(header))
    told = [(tensor.name, tensor.start - start, tensor.end - start) for tensor in _read(header)]
    assert told == [("a", 0, 40), ("none", 40, 40), ("b", 40, 100)]


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (b"", "no JSON"),
        (b"\xff{}", "no JSON"),
        (b"[]", "no JSON object"),
        (b"[" * 100_000, "no JSON"),
        (b'{"a":' + b"9" * 5_000 + b"}", "no JSON"),
        ({"a": 1}, "lacks"),
        ({"a": {"dtype": "U8", "shape": [1]}}, "lacks"),
        ({"a": _tensor(0, 1, dtype=7)}, "lacks"),
        ({"a": _tensor(0, 1, shape=[-1])}, "lacks"),
        ({"a": _tensor(0, 1, shape=[2**63])}, "lacks"),
        ({"a": _tensor(0, True)}, "lacks"),
        ({"a": _tensor(0, 1.0)}, "lacks"),
        ({"a": _tensor(-1, 1)}, "lacks"),
        ({"a": _tensor(2, 1)}, "bytes 2 to 1"),
        ({"a": _tensor(0, DATA + 1)}, "bytes 0 to 101 of 100"),
        ({"a": _tensor(0, 2**63 - 1)}, "bytes 0 to"),
        ({"a": _tensor(0, 10), "b": _tensor(9, 20)}, "overlap"),
        (b'{"a":%s,"a":%s}' % (TENSOR, TENSOR), "twice"),
        (b'{"a":{"data_offsets":[0,9],"dtype":"U8","shape":[],"data_offsets":[0,1]}}', "'a' has a member twice"),
        (b"{" + b'"a":[[]],' * (MAX_TENSORS * 3), "more than"),
        (b"[" + b"1," * (MAX_TENSORS * 20), "more than"),
    ],
)  # fmt: skip
def test_a_header_that_lies_is_refused_with_the_reason(header: Any, why: str) -> None:
    with pytest.raises(UntrueHeader, match=why):
        _read(header)


@pytest.mark.parametrize("piece", [b"[],", b"{},", b'"":{},', b"1,"])
def test_a_header_that_would_become_a_gigabyte_is_refused_before_it_is_parsed(piece: bytes) -> None:
    header = b"[" + piece * (MAX_HEADER_BYTES // len(piece) - 1)
    tracemalloc.start()
    try:
        with pytest.raises(UntrueHeader, match="more than"):
            _read(header)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("beginning", "size", "why"),
    [
        ((2**63).to_bytes(8, "little"), 1_000, "claims 9223372036854775808 bytes, while 992 follow"),
        ((2**64 - 1).to_bytes(8, "little"), 1_000, "claims"),
        ((993).to_bytes(8, "little"), 1_000, "claims 993 bytes, while 992 follow"),
        ((100_000_000).to_bytes(8, "little"), 2**40, f"while {MAX_HEADER_BYTES} are the most"),
        (b"1234567", 7, "the file has 7 bytes"),
    ],
)
def test_a_length_that_cannot_be_is_refused_before_anything_is_read(
    beginning: bytes, size: int, why: str
) -> None:
    with pytest.raises(UntrueHeader, match=why):
        header_length(beginning, size)
