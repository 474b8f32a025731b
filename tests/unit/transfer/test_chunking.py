"""Where files are cut, and which chunks stay the same when something changes."""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from muniment.errors import FileChanged
from muniment.tensor_header import MAX_HEADER_BYTES, UntrueHeader
from muniment.transfer.chunking import MIB, cut_file
from muniment.transfer.safetensors import Extent, read_layout
from muniment.transfer.slabs import Slabs
from muniment.transfer.source import find_files

Chunks = list[tuple[str, int]]


@pytest.fixture
def cut(tmp_path: Path) -> Callable[..., tuple[str, Chunks]]:
    """Cuts bytes as a file: the name of the way, and digest and size of each chunk."""

    def cut_bytes(data: bytes, name: str = "model.bin", **options: object) -> tuple[str, Chunks]:
        path = tmp_path / name
        path.write_bytes(data)
        [source] = find_files(path)
        chunks, position = [], 0
        with source.opened() as descriptor:
            cutting = cut_file(source, descriptor, slabs=Slabs(), **{"max_chunk_bytes": 16 * MIB, **options})
            for run in cutting.runs:
                assert run.offset == position
                assert len(run.data) == sum(run.sizes)
                for size in run.sizes:
                    view = run.data[position - run.offset :][:size]
                    assert view == data[position : position + size]
                    position += size
                    chunks.append((hashlib.sha256(view).hexdigest(), size))
                run.region.close()
        assert position == len(data)
        return cutting.name, chunks

    return cut_bytes


def safetensors(tensors: dict[str, bytes], **metadata: str) -> bytes:
    """A file of bytes as tensors."""
    header: dict[str, object] = {"__metadata__": metadata}
    position = 0
    for name, data in tensors.items():
        header[name] = {"dtype": "U8", "shape": [len(data)], "data_offsets": [position, position + len(data)]}
        position += len(data)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + b"".join(tensors.values())


def tensor(*offsets: object) -> dict[str, object]:
    return {"dtype": "U8", "shape": [1], "data_offsets": list(offsets)}


def header(document: object, data: bytes = b"") -> bytes:
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return len(text).to_bytes(8, "little") + text + data


LARGE = {
    name: random.Random(name).randbytes(size) for name, size in (("a", 9 * MIB), ("b", MIB), ("c", 2 * MIB))
}
SMALL = {name: random.Random(name).randbytes(1_000) for name in ("d", "e", "f")}


@pytest.mark.parametrize(
    ("coarse", "name", "of_a"),
    [(False, "tensors/1", [2, 2, 2, 2, 1]), (True, "tensors-8m/1", [8, 1])],
)
def test_header_large_tensors_and_runs_of_small_ones_are_regions_that_are_cut(
    cut, coarse, name, of_a
) -> None:
    data = safetensors({"a": LARGE["a"], **SMALL, "b": LARGE["b"], "c": LARGE["c"]})
    found, chunks = cut(data, "m.safetensors", coarse=coarse)
    assert found == name
    assert [size for _, size in chunks[1:]] == [*(size * MIB for size in of_a), 3_000, MIB, 2 * MIB]


def test_a_header_that_grows_and_tensors_in_another_order_leave_the_chunks_of_large_tensors(cut) -> None:
    _, before = cut(safetensors(LARGE), "m.safetensors")
    turned = dict(reversed(LARGE.items()))
    _, after = cut(safetensors(turned, note="x" * 5_000), "m.safetensors")
    assert {digest for digest, _ in before[1:]} == {digest for digest, _ in after[1:]}


def test_what_is_inserted_changes_the_chunks_around_it_alone(cut) -> None:
    data = random.Random(1).randbytes(40 * MIB)
    name, before = cut(data)
    assert name == "fastcdc-1m/1"
    _, after = cut(b"inserted" * 128 + data)
    changed = [size for digest, size in after if digest not in {digest for digest, _ in before}]
    assert sum(changed) <= 8 * MIB
    assert min(size for _, size in before[:-1]) >= 256 * 1024
    assert max(size for _, size in before) <= 4 * MIB


def test_bytes_without_any_variety_are_cut_too(cut) -> None:
    _, chunks = cut(bytes(40 * MIB))
    assert {size for _, size in chunks} == {4 * MIB}


def test_so_much_that_chunks_would_be_too_many_is_cut_in_larger_ones(cut) -> None:
    name, chunks = cut(random.Random(2).randbytes(40 * MIB), coarse=True)
    assert name == "fastcdc-4m/1"
    assert len(chunks) < 20


def test_small_files_are_one_chunk_and_empty_ones_none(cut) -> None:
    assert cut(bytes(4 * MIB)) == ("whole/1", [(hashlib.sha256(bytes(4 * MIB)).hexdigest(), 4 * MIB)])
    assert cut(b"") == ("whole/1", [])


def test_a_registry_that_takes_small_chunks_only_gets_them(cut) -> None:
    name, chunks = cut(bytes(5 * MIB), max_chunk_bytes=2 * MIB)
    assert (name, [size for _, size in chunks]) == ("fixed/1", [2 * MIB, 2 * MIB, MIB])
    _, chunks = cut(safetensors(LARGE), "m.safetensors", max_chunk_bytes=MIB)
    assert max(size for _, size in chunks) == MIB


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x02",
        (2**63).to_bytes(8, "little") + b"{}",
        (1_000).to_bytes(8, "little") + b"{}",
        header(b"not json"),
        header(b"\xff\xfe"),
        header(b"[" * 100_000),
        header([1]),
        header({"t": 1}),
        header({"t": tensor(0)}),
        header({"t": tensor(0, True)}, b"x"),
        header({"t": tensor(0, 10**30)}, b"x"),
        header({"t": tensor(0, 2)}, b"x"),
        header({"t": tensor(-1, 1)}, b"x"),
        header({"t": tensor(1, 0)}, b"x"),
        header({"t": tensor(0, 2), "u": tensor(1, 3)}, b"xyz"),
        header(b'{"t": {"data_offsets": [0, 1' + b"0" * 5_000 + b"]}}"),
    ],
)
def test_a_header_that_lies_is_no_layout_and_the_file_is_cut_by_its_content(data: bytes, cut) -> None:
    with pytest.raises(UntrueHeader):
        read_layout(lambda offset, length: data[offset : offset + length], len(data))
    padded = data + random.Random(3).randbytes(5 * MIB) if len(data) < 8 else data
    assert cut(padded, "m.safetensors")[0] in ("whole/1", "fastcdc-1m/1")


def test_a_huge_header_is_not_even_read() -> None:
    asked = []

    def read(offset: int, length: int) -> bytes:
        asked.append(length)
        return (MAX_HEADER_BYTES + 1).to_bytes(8, "little")

    with pytest.raises(UntrueHeader, match="are the most that is read"):
        read_layout(read, 10**10)
    assert asked == [8]


def test_gaps_between_tensors_are_kept() -> None:
    data = header({"t": tensor(2, 3), "empty": tensor(5, 5)}, b"012345")
    layout = read_layout(lambda offset, length: data[offset : offset + length], len(data))
    start = layout.data_start
    assert layout.tensors == {"t": Extent(start + 2, start + 3), "empty": Extent(start + 5, start + 5)}


def test_a_file_that_becomes_shorter_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(bytes(20 * MIB))
    [source] = find_files(path)
    with open(path, "rb") as file:  # noqa: PTH123 - its descriptor is wanted
        cutting = cut_file(source, file.fileno(), slabs=Slabs(), max_chunk_bytes=16 * MIB)
        os.truncate(path, MIB)
        with pytest.raises(FileChanged, match="became shorter"):
            list(cutting.runs)
