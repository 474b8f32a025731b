"""Parts of a version are read without fetching the rest."""

from __future__ import annotations

import json
import os
import struct
import tracemalloc

import muniment
import pytest
from muniment import errors
from muniment.v1 import artifact_service_pb2 as pb

LARGE = struct.pack("<600000f", *range(600_000))
SMALL = struct.pack("<6f", *range(6))


@pytest.fixture
def pushed(registry, tmp_path) -> muniment.Version:
    """A version with two tensors, one larger than a frame, and another file."""
    model = tmp_path / "model"
    model.mkdir()
    header = json.dumps(
        {
            "layer.0.weight": {"dtype": "F32", "shape": [600, 1000], "data_offsets": [0, len(LARGE)]},
            "layer.0.bias": {
                "dtype": "F32",
                "shape": [2, 3],
                "data_offsets": [len(LARGE), len(LARGE) + len(SMALL)],
            },
        }
    ).encode()
    data = len(header).to_bytes(8, "little") + header + LARGE + SMALL
    (model / "model.safetensors").write_bytes(data)
    (model / "notes.txt").write_bytes(b"0123456789")
    (model / "broken.bin").write_bytes(os.urandom(100))
    return registry.push("churn", model)


def test_a_tensor_is_read_with_its_type_and_shape(registry, pushed) -> None:
    opened = registry.open("churn@1")
    large, small = opened.tensor("layer.0.weight"), opened.tensor("layer.0.bias")
    assert (large.dtype, large.shape, large.data) == ("F32", (600, 1000), LARGE)
    assert (small.dtype, small.shape, small.data) == ("F32", (2, 3), SMALL)
    assert opened.tensors() == dict.fromkeys(("layer.0.weight", "layer.0.bias"), "model.safetensors")
    with pytest.raises(errors.FileNotFound, match=r"layer\.1"):
        opened.tensor("layer.1")


def test_ranges_of_files_are_read(registry, pushed) -> None:
    opened = registry.open(pushed)
    assert opened.files["notes.txt"] == 10
    assert opened.read("notes.txt") == b"0123456789"
    assert opened.read("notes.txt", 3, 4) == b"3456"
    assert opened.read("notes.txt", 8) == b"89"
    assert opened.read("notes.txt", 10) == b""
    for offset, length in ((-1, None), (11, None), (0, 11), (0, -1)):
        with pytest.raises(errors.InvalidArgument):
            opened.read("notes.txt", offset, length)
    with pytest.raises(errors.FileNotFound, match="absent"):
        opened.read("absent")


def test_a_file_with_the_name_and_not_the_header_of_safetensors_is_told(registry, tmp_path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"no header")
    registry.push("odd", tmp_path / "x.safetensors")
    with pytest.raises(errors.DownloadRefused, match=r"x\.safetensors has no header"):
        registry.open("odd").tensors()


@pytest.mark.parametrize(
    ("length", "why"),
    [(100_000_000, "has 100000000 bytes, while 16777216"), (16 * 1024 * 1024, "of more than 131072 tensors")],
)
def test_a_header_that_would_take_much_memory_is_pushed_as_any_bytes_and_refused_when_tensors_are_asked_for(
    registry, tmp_path, length: int, why: str
) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + b"{" + b"[]," * (length // 3))
    tracemalloc.start()
    try:
        pushed = registry.push("churn", path)
        # Files are read into four pieces of memory of 16 MiB, and a header that may be true is read beside them.
        assert tracemalloc.get_traced_memory()[1] < 120_000_000
        tracemalloc.reset_peak()
        with pytest.raises(errors.DownloadRefused, match=rf"x\.safetensors has no header .*{why}"):
            registry.open(pushed).tensors()
        with pytest.raises(errors.HeaderInvalid, match=rf"x\.safetensors.*{why}"):
            list(registry.tensors(pushed))
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [pb.ReadRangesResponse(data=b"abcd")],
        [pb.ReadRangesResponse(data=b"ab"), pb.ReadRangesResponse(data=b"c")],
        [pb.ReadRangesResponse(range_index=1, data=b"abc")],
        [pb.ReadRangesResponse(offset=1, data=b"ab")],
        [pb.ReadRangesResponse()],
        [pb.ReadRangesResponse(data=b"xyz")],
    ],
)
def test_a_server_that_sends_something_else_is_refused(liar, lied_to, frames) -> None:
    liar.add("f", b"abc")
    liar.frames = frames
    with pytest.raises(errors.DownloadRefused):
        lied_to.open(liar.version).read("f")


def test_the_registry_lists_tensors_without_a_pull(registry, pushed) -> None:
    listed = list(registry.tensors(pushed))
    assert [(one.path, one.name, one.dtype, one.shape, one.size_bytes) for one in listed] == [
        ("model.safetensors", "layer.0.weight", "F32", (600, 1000), len(LARGE)),
        ("model.safetensors", "layer.0.bias", "F32", (2, 3), len(SMALL)),
    ]
    assert listed == list(registry.tensors("churn@1", "model.safetensors"))
    bias = listed[1]
    assert registry.open(pushed).read(bias.path, bias.offset, bias.size_bytes) == SMALL
    with pytest.raises(errors.FileNotFound):
        list(registry.tensors(pushed, "absent"))
    with pytest.raises(errors.HeaderInvalid, match=r"broken\.bin"):
        list(registry.tensors(pushed, "broken.bin"))
