"""Chunks that are read to see whether they are right are asked for a few at a time."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest
from muniment.digests import Digest
from muniment_artifact.ahead import PIECES, ReadAhead
from muniment_artifact.blobs.memory import MemoryBlobStore
from muniment_artifact.blobs.whole import put_blob
from muniment_artifact.collection.together import AT_ONCE
from muniment_artifact.limits import FRAME_BYTES
from muniment_artifact.manifest import FileEntry, build_manifest
from muniment_artifact.prove import prove_file
from muniment_artifact.verify import verify_files
from muniment_core.db.artifact_store import Chunk
from muniment_core.domain.errors import DigestMismatch

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

PARTS = [b"part %d" % number for number in range(4 * AT_ONCE)]
DATA = b"".join(PARTS)


class Slow(MemoryBlobStore):
    """A store that answers nobody before so many ask at once."""

    def __init__(self, readers: int) -> None:
        super().__init__()
        self._enough = threading.Barrier(readers, timeout=60)

    def read(
        self, digest: Digest, *, offset: int = 0, length: int | None = None, frame_bytes: int = FRAME_BYTES
    ) -> Generator[bytes, None, None]:
        self._enough.wait()
        yield from super().read(digest, offset=offset, length=length, frame_bytes=frame_bytes)


def _stored(blobs: MemoryBlobStore) -> FileEntry:
    chunks = tuple(Chunk(put_blob(blobs, part), len(part)) for part in PARTS)
    return FileEntry("model.bin", Digest.of(DATA), len(DATA), chunks)


async def test_a_verification_reads_several_chunks_at_once(execution) -> None:
    blobs = Slow(AT_ONCE)
    manifest = build_manifest([_stored(blobs)])
    verified = await verify_files(execution, blobs, manifest.record, manifest.files, project="default")
    assert [chunk.digest for chunk in verified] == [Digest.of(part) for part in PARTS]


async def test_proving_a_file_hashes_one_chunk_while_the_next_are_read(execution) -> None:
    blobs = Slow(PIECES)
    file = _stored(blobs)
    ahead = ReadAhead()
    try:
        await prove_file(execution, blobs, file, ahead=ahead)
        lie = FileEntry(file.path, Digest.of(b"lie"), file.size, file.chunks)
        with pytest.raises(DigestMismatch):
            await prove_file(execution, blobs, lie, ahead=ahead)
    finally:
        ahead.close()
