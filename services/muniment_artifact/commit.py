"""Making a manifest of an upload durable."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from muniment.digests import Digest
from muniment_core.db.artifact_store import Chunk, ManifestRecord
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.errors import ChunkMissing, DigestMismatch, SizeMismatch
from muniment_core.rpc.execution import Execution

from muniment_artifact.blobs import BlobStore
from muniment_artifact.blobs.verified import verify_blob
from muniment_artifact.blobs.whole import put_blob
from muniment_artifact.limits import Limits
from muniment_artifact.manifest import FileEntry, Manifest, build_manifest, distinct_chunks
from muniment_artifact.read import files_of
from muniment_artifact.tiling import check_files


@dataclass(frozen=True, slots=True)
class CommittedManifest:
    """The manifest that is kept, and its files."""

    record: ManifestRecord
    files: tuple[FileEntry, ...]


async def commit_upload(
    execution: Execution, blobs: BlobStore, limits: Limits, *, project: str, files: Sequence[FileEntry]
) -> CommittedManifest:
    """Check files, prove their digests and keep their manifest. Committing twice answers the same.

    Bytes are read and blobs written outside of any transaction; the transaction at the end checks once more
    that the project holds every chunk, because it alone decides.

    Raises:
        ProjectNotFound: if there is no such project.
        ChunkMissing: if the project does not hold a chunk.
        DigestMismatch: if a file does not have its digest.
        BytesDamaged: if a stored chunk is gone or wrong.
        InvalidField, LimitExceeded, InvalidPath, SizeMismatch: see ``tiling.check_files``.
    """
    check_files(files, limits)
    unproven = await execution.read(partial(find_unproven, project=project, files=files))
    for file in unproven:
        await prove_file(execution, blobs, file)
    manifest = await execution.io(partial(_store, blobs, files))
    record = await execution.note(partial(_keep, project=project, manifest=manifest, proven=unproven))
    if record.chunk_map == manifest.record.chunk_map:
        return CommittedManifest(record, manifest.files)
    # The same files were committed before in other chunks; those stay, and the new ones are left to
    # collection.
    return CommittedManifest(record, await execution.io(partial(files_of, blobs, record)))


def find_unproven(reader: Reader, *, project: str, files: Sequence[FileEntry]) -> list[FileEntry]:
    """The files whose digests must be proven by reading: those of several chunks not proven in this project.

    Raises:
        ProjectNotFound: if there is no such project.
        ChunkMissing: if the project does not hold a chunk.
        SizeMismatch: if it holds one in another size.
    """
    project_id = reader.projects.require(project).id
    _require_held(reader, project_id, files)
    of_several = {file.proof: file for file in files if len(file.chunks) > 1}
    proven = reader.artifacts.proven(project_id, of_several)
    return [file for proof, file in of_several.items() if proof not in proven]


async def prove_file(execution: Execution, blobs: BlobStore, file: FileEntry) -> None:
    """Read a file and compare its digest, chunk by chunk, so that a cancelled call stops soon.

    Raises:
        DigestMismatch: if the chunks are right and do not make the file: the caller is wrong.
        BytesDamaged: if a chunk is not what it was when it was stored: the store is.
    """
    hasher = hashlib.sha256()
    for chunk in file.chunks:
        await execution.io(partial(_hash_chunk, blobs, chunk, hasher))
    actual = Digest.of_hash(hasher)
    if actual == file.digest:
        return
    for chunk in distinct_chunks([file]).values():
        await execution.io(partial(verify_blob, blobs, chunk.digest, chunk.size))
    raise DigestMismatch(declared=file.digest.text, actual=actual.text, what=f"digest of {file.path[:200]!r}")


def _hash_chunk(blobs: BlobStore, chunk: Chunk, hasher: hashlib._Hash) -> None:
    with closing(blobs.read(chunk.digest, length=chunk.size)) as pieces:
        for piece in pieces:
            hasher.update(piece)


def _store(blobs: BlobStore, files: Sequence[FileEntry]) -> Manifest:
    manifest = build_manifest(files)
    put_blob(blobs, manifest.config)
    put_blob(blobs, manifest.chunk_map)
    return manifest


def _keep(
    unit: UnitOfWork, *, project: str, manifest: Manifest, proven: Sequence[FileEntry]
) -> ManifestRecord:
    project_id = unit.projects.require(project).id
    _require_held(unit, project_id, manifest.files)
    unit.artifacts.add_proofs(project_id, [file.proof for file in proven], now=unit.now)
    chunks = distinct_chunks(manifest.files)
    return unit.artifacts.add_manifest(project_id, manifest.record, chunks=chunks, now=unit.now)


def _require_held(reader: Reader, project_id: int, files: Sequence[FileEntry]) -> None:
    chunks = distinct_chunks(files)
    held = reader.artifacts.held(project_id, chunks)
    for file in files:
        for chunk in file.chunks:
            if chunk.digest not in held:
                raise ChunkMissing(digest=chunk.digest.text, path=file.path)
            if held[chunk.digest] != chunk.size:
                raise SizeMismatch(f"chunk {chunk.digest}", declared=chunk.size, actual=held[chunk.digest])
