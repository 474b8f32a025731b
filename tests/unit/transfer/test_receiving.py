"""What a download asks for, and files that arrive in parts."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest
from muniment.cache.partial import Partial
from muniment.digests import Digest
from muniment.errors import DownloadRefused
from muniment.file_parts import PART_BYTES, Part, parts
from muniment.manifest import ListedFile
from muniment.transfer.arriving import ArrivingFile
from muniment.transfer.segments import Segment, segments
from muniment.v1 import artifact_service_pb2 as pb

MIB = 1024 * 1024
DATA = random.Random(1).randbytes(3_000_000)


def listed(path: str, size: int) -> ListedFile:
    return ListedFile(path, Digest.of(b"").text, size)


def entry(*sizes: int) -> pb.FileEntry:
    return pb.FileEntry(chunks=[pb.Chunk(size=size) for size in sizes])


def test_segments_end_where_chunks_do() -> None:
    sizes = [5 * MIB, 2 * MIB, 2 * MIB, 8 * MIB, 12 * MIB, 1]
    found = list(segments(3, parts(listed("a", sum(sizes)), entry(*sizes))))
    assert [segment.size for segment in found] == [7 * MIB, 2 * MIB, 8 * MIB, 12 * MIB, 1]
    assert [segment.offset for segment in found] == [0, 7 * MIB, 9 * MIB, 17 * MIB, 29 * MIB]
    assert {segment.file for segment in found} == {3}


def test_segments_leave_out_what_is_there() -> None:
    sizes = [2 * MIB, MIB, MIB, 3 * MIB, 7]
    first, second, _, fourth, last = parts(listed("a", sum(sizes)), entry(*sizes))
    assert list(segments(0, [first, second, fourth, last])) == [
        Segment(0, (first, second)),
        Segment(0, (fourth, last)),
    ]
    assert list(segments(0, [])) == []


@pytest.mark.parametrize("sizes", [[], [1], [-1, 2 * PART_BYTES + 6], [0, 2 * PART_BYTES + 5]])
def test_chunks_that_do_not_make_the_file_are_not_believed(sizes: list[int]) -> None:
    found = parts(listed("a", 2 * PART_BYTES + 5), entry(*sizes))
    assert found == [
        Part("", 0, PART_BYTES),
        Part("", PART_BYTES, PART_BYTES),
        Part("", 2 * PART_BYTES, 5),
    ]


def test_a_file_without_bytes_has_no_parts() -> None:
    assert parts(listed("a", 0), entry()) == []


def test_parts_in_any_order_from_several_threads_make_the_file(tmp_path: Path) -> None:
    whole = ListedFile("a/b", Digest.of(DATA).text, len(DATA))
    partial = Partial(tmp_path, whole)
    file = ArrivingFile(whole, partial)
    offsets = list(range(0, len(DATA), 7_919))
    random.Random(2).shuffle(offsets)

    def receive(mine: list[int]) -> None:
        for offset in mine:
            part = DATA[offset : offset + 7_919]
            file.write(offset, memoryview(part))
            file.filled(offset, len(part))

    threads = [threading.Thread(target=receive, args=(offsets[number::4],)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.finished
    assert partial.path.read_bytes() == DATA


def test_a_file_of_another_digest_is_refused(tmp_path: Path) -> None:
    right = ListedFile("a", Digest.of(b"ab").text, 2)
    file = ArrivingFile(right, Partial(tmp_path, right))
    file.write(0, b"ax")
    with pytest.raises(DownloadRefused, match="while its manifest says"):
        file.filled(0, 2)
    assert not file.finished
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_made_new_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"kept")
    right = ListedFile("a", Digest.of(b"x").text, 1)
    partial = Partial(tmp_path, right)
    partial.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        ArrivingFile(right, partial).write(0, b"x")
    with pytest.raises(OSError, match="symbolic"):
        ArrivingFile(right, partial, resumed=True).write(0, b"x")
    assert (tmp_path / "elsewhere").read_bytes() == b"kept"
