"""Proving by reading that chunks, put together, make the file they are said to make."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from functools import partial

from muniment.digests import Digest
from muniment_core.db.artifact_store import Chunk, FileProof
from muniment_core.db.unit_of_work import UnitOfWork
from muniment_core.domain.errors import DigestMismatch
from muniment_core.rpc.execution import Execution

from muniment_artifact.ahead import ReadAhead, in_turn
from muniment_artifact.blobs import BlobStore
from muniment_artifact.collection.together import for_each
from muniment_artifact.limits import MIB
from muniment_artifact.manifest import FileEntry, distinct_chunks
from muniment_artifact.verify import verify_chunk

NOTED_BYTES = 256 * MIB
"""After so much was read, what is proven is noted: a commit that outlives its deadline goes on there when it is
repeated. Noting each of ten thousand small files by itself would cost more than reading them."""


CHUNKS_AT_ONCE = 16
"""A cancelled call stops after so many chunks of a file, which keep one thread for as long as they take."""


async def prove_files(
    execution: Execution,
    blobs: BlobStore,
    *,
    project: str,
    files: Mapping[FileProof, FileEntry],
    ahead: ReadAhead | None = None,
) -> list[FileProof]:
    """Read files and compare their digests; returns the proofs that are not noted yet.

    Raises:
        DigestMismatch: if the chunks are right and do not make the file: the caller is wrong.
        BytesDamaged: if a chunk is not what it was when it was stored: the store is.
    """
    unnoted: list[FileProof] = []
    read = 0
    for proof, file in files.items():
        await prove_file(execution, blobs, file, ahead=ahead)
        unnoted.append(proof)
        read += file.size
        if read >= NOTED_BYTES:
            await execution.note(partial(_note, project=project, proofs=unnoted))
            unnoted, read = [], 0
    return unnoted


async def prove_file(
    execution: Execution, blobs: BlobStore, file: FileEntry, *, ahead: ReadAhead | None = None
) -> None:
    """Read a file and compare its digest, a few chunks at a time, so that a cancelled call stops soon.

    Raises:
        DigestMismatch, BytesDamaged: see :func:`prove_files`.
    """
    hasher = hashlib.sha256()
    for start in range(0, len(file.chunks), CHUNKS_AT_ONCE):
        chunks = file.chunks[start : start + CHUNKS_AT_ONCE]
        await execution.io(partial(_hash_chunks, blobs, chunks, hasher, ahead))
    actual = Digest.of_hash(hasher)
    if actual == file.digest:
        return
    await for_each(execution, list(distinct_chunks([file]).values()), partial(verify_chunk, blobs))
    raise DigestMismatch(declared=file.digest.text, actual=actual.text, what=f"digest of {file.path[:200]!r}")


def _hash_chunks(
    blobs: BlobStore, chunks: Sequence[Chunk], hasher: hashlib._Hash, ahead: ReadAhead | None
) -> None:
    def read(chunk: Chunk) -> Generator[bytes, None, None]:
        return blobs.read(chunk.digest, length=chunk.size)

    run = ahead.run if ahead is not None else in_turn
    with closing(run(chunks, read)) as pieces:
        for _, data in pieces:
            for piece in data:
                hasher.update(piece)


def _note(unit: UnitOfWork, *, project: str, proofs: Sequence[FileProof]) -> None:
    unit.artifacts.add_proofs(unit.projects.require(project).id, proofs, now=unit.now)
