"""Making a manifest of an upload durable.

A commit may name hundreds of thousands of chunks. Whatever looks at all of them runs on the I/O pool or in
slices, so that other calls are answered meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from muniment.digests import Digest
from muniment_core.db.artifact_store import FileProof, ManifestRecord
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.errors import BytesDamaged, ChunkMissing, SizeMismatch
from muniment_core.domain.tiers import Shelf
from muniment_core.rpc.execution import Execution

from muniment_artifact.ahead import ReadAhead
from muniment_artifact.blobs import BlobStore
from muniment_artifact.blobs.whole import put_blob
from muniment_artifact.collection.claims import store_and_note
from muniment_artifact.damage import check_present, damage_noted, missing_chunk
from muniment_artifact.limits import Limits
from muniment_artifact.manifest import FileEntry, Manifest, build_manifest, distinct_chunks
from muniment_artifact.prove import prove_files
from muniment_artifact.read import files_of
from muniment_artifact.tiling import check_files

SLICE = 5_000
"""Chunks or files of one look into the database, which SQLite answers in some ten milliseconds."""


@dataclass(frozen=True, slots=True)
class CommittedManifest:
    """The manifest that is kept, and its files."""

    record: ManifestRecord
    files: tuple[FileEntry, ...]


async def commit_upload(
    execution: Execution,
    blobs: BlobStore,
    limits: Limits,
    *,
    project: str,
    files: Sequence[FileEntry],
    ahead: ReadAhead | None = None,
) -> CommittedManifest:
    """Check files, prove their digests and keep their manifest. Committing twice answers the same.

    Bytes are read and blobs written outside of any transaction; the transaction at the end checks once more
    that the project holds every chunk, because it alone decides.

    Raises:
        ProjectNotFound: if there is no such project.
        ChunkMissing: if the project does not hold a chunk, or its bytes are gone or wrong.
        DigestMismatch: if a file does not have its digest.
        InvalidField, LimitExceeded, InvalidPath, SizeMismatch: see ``tiling.check_files``.
    """
    await execution.io(partial(check_files, files, limits))
    await _check_stored(execution, blobs, project, files)
    unproven = await _find_unproven(execution, project, files)
    try:
        async with damage_noted(execution):
            rest = await prove_files(execution, blobs, project=project, files=unproven, ahead=ahead)
    except BytesDamaged as error:
        # The caller has these bytes: it plans again, is asked for the chunk, and so repairs it.
        raise missing_chunk(files, Digest(error.facts["digest"])) from error
    store = partial(_store, blobs, files)
    manifest, record = await store_and_note(
        execution, blobs, store, partial(_keep, project=project, proofs=rest)
    )
    if record.chunk_map == manifest.record.chunk_map:
        return CommittedManifest(record, manifest.files)
    try:
        # The same files were committed before in other chunks; those stay, and the new ones are left to
        # collection.
        earlier = await execution.io(partial(files_of, blobs, record))
        await _check_stored(execution, blobs, project, earlier)
        return CommittedManifest(record, earlier)
    except (BytesDamaged, ChunkMissing):
        manifest, record = await store_and_note(execution, blobs, store, partial(_rechunk, project=project))
        return CommittedManifest(record, manifest.files)


async def _check_stored(
    execution: Execution, blobs: BlobStore, project: str, files: Sequence[FileEntry]
) -> None:
    await _check_held(execution, project, files)
    await check_present(execution, blobs, files)


async def _check_held(execution: Execution, project: str, files: Sequence[FileEntry]) -> None:
    digests = list(await execution.io(partial(distinct_chunks, files)))
    held: dict[Digest, int] = {}
    for start in range(0, len(digests), SLICE):
        asked = digests[start : start + SLICE]
        held.update(await execution.read(partial(_held, project=project, digests=asked)))
    await execution.io(partial(_require_held, files, held))


async def _find_unproven(
    execution: Execution, project: str, files: Sequence[FileEntry]
) -> dict[FileProof, FileEntry]:
    """The files whose digests must be proven by reading: those of several chunks not proven in this project."""
    unproven = await execution.io(partial(_of_several_chunks, files))
    proofs = list(unproven)
    for start in range(0, len(proofs), SLICE):
        asked = proofs[start : start + SLICE]
        for proof in await execution.read(partial(_proven, project=project, proofs=asked)):
            del unproven[proof]
    return unproven


def _held(reader: Reader, *, project: str, digests: Sequence[Digest]) -> dict[Digest, int]:
    return reader.artifacts.held(reader.projects.require(project).id, digests)


def _of_several_chunks(files: Sequence[FileEntry]) -> dict[FileProof, FileEntry]:
    return {file.proof: file for file in files if len(file.chunks) > 1}


def _proven(reader: Reader, *, project: str, proofs: Sequence[FileProof]) -> set[FileProof]:
    return reader.artifacts.proven(reader.projects.require(project).id, proofs)


def _store(blobs: BlobStore, files: Sequence[FileEntry]) -> Manifest:
    manifest = build_manifest(files)
    put_blob(blobs, manifest.config)
    put_blob(blobs, manifest.chunk_map)
    return manifest


def _keep(
    unit: UnitOfWork, manifest: Manifest, epoch: int, *, project: str, proofs: Sequence[FileProof]
) -> ManifestRecord:
    project_id = unit.projects.require(project).id
    chunks = distinct_chunks(manifest.files)
    # Nothing is let go from here on, so that what is held now is held when this commits.
    unit.collection.claim(Shelf.HOT, (), epoch=epoch)
    _require_held(manifest.files, unit.artifacts.held(project_id, chunks))
    unit.artifacts.add_proofs(project_id, proofs, now=unit.now)
    return unit.artifacts.add_manifest(project_id, manifest.record, chunks=chunks, now=unit.now, epoch=epoch)


def _rechunk(unit: UnitOfWork, manifest: Manifest, epoch: int, *, project: str) -> ManifestRecord:
    project_id = unit.projects.require(project).id
    chunks = distinct_chunks(manifest.files)
    # Nothing is let go from here on, so that what is held now is held when this commits.
    unit.collection.claim(Shelf.HOT, (), epoch=epoch)
    _require_held(manifest.files, unit.artifacts.held(project_id, chunks))
    return unit.artifacts.rechunk_manifest(
        project_id, manifest.record, chunks=chunks, now=unit.now, epoch=epoch
    )


def _require_held(files: Sequence[FileEntry], held: Mapping[Digest, int]) -> None:
    for file in files:
        for chunk in file.chunks:
            if chunk.digest not in held:
                raise ChunkMissing(digest=chunk.digest.text, path=file.path)
            if held[chunk.digest] != chunk.size:
                raise SizeMismatch(f"chunk {chunk.digest}", declared=chunk.size, actual=held[chunk.digest])
