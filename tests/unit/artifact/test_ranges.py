"""Which chunks make a range of a file."""

from __future__ import annotations

import random
from collections.abc import Iterator

from muniment.digests import Digest
from muniment_artifact.blobs.memory import MemoryBlobStore
from muniment_artifact.blobs.whole import put_blob
from muniment_artifact.manifest import FileEntry
from muniment_artifact.read import FileRange, read_ranges
from muniment_core.db.artifact_store import Chunk

SIZES = (1, 5, 2, 1, 300, 7, 1, 64)


class Counted(tuple[Chunk, ...]):
    """Chunks of which is known how many were looked at."""

    looks = 0

    def __iter__(self) -> Iterator[Chunk]:
        for number in range(len(self)):
            yield self[number]

    def __getitem__(self, number: int) -> Chunk:
        self.looks += 1
        return super().__getitem__(number)


def _stored(blobs: MemoryBlobStore, parts: list[bytes]) -> FileEntry:
    data = b"".join(parts)
    chunks = Counted(Chunk(put_blob(blobs, part), len(part)) for part in parts)
    return FileEntry("model.bin", Digest.of(data), len(data), chunks)


def _read(blobs: MemoryBlobStore, wanted: FileRange) -> bytes:
    return b"".join(frame.data for frame in read_ranges(blobs, [wanted]))


def test_every_range_is_the_slice_of_the_file() -> None:
    content, blobs = random.Random(1), MemoryBlobStore()
    parts = [content.randbytes(size) for size in SIZES]
    data, file = b"".join(parts), _stored(blobs, parts)
    for offset in range(len(data) + 1):
        for end in {offset, min(offset + 1, len(data)), min(offset + 9, len(data)), len(data)}:
            assert _read(blobs, FileRange(file, offset, end)) == data[offset:end]


def test_a_range_looks_at_the_chunks_it_touches_and_at_no_others() -> None:
    blobs = MemoryBlobStore()
    file = _stored(blobs, [number.to_bytes(2, "big") for number in range(10_000)])
    assert _read(blobs, FileRange(file, 0, 2)) == b"\0\0"
    file.chunks.looks = 0
    assert _read(blobs, FileRange(file, 15_001, 15_006)) == bytes.fromhex("4c1d4d1d4e")
    assert file.chunks.looks == 3
