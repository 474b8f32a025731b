"""Reading every chunk of a manifest to see whether it is still what it was."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from muniment.digests import Digest
from muniment_core.db.artifact_store import Chunk, ManifestRecord
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.rpc.execution import Execution

from muniment_artifact.blobs import BlobStore
from muniment_artifact.blobs.verified import verify_blob
from muniment_artifact.collection.together import for_each
from muniment_artifact.damage import Reading, damage_noted
from muniment_artifact.manifest import FileEntry, distinct_chunks


async def verify_files(
    execution: Execution,
    blobs: BlobStore,
    record: ManifestRecord,
    files: Sequence[FileEntry],
    *,
    project: str,
) -> list[Chunk]:
    """Read and hash each distinct chunk of a manifest's files and return them.

    One chunk is one piece of work for the pool: a cancelled call stops after the few it is at, and a large
    manifest does not keep a thread from others for long. Damage is noted; damage noted before that is no more,
    because an operator brought the bytes back, is forgotten.

    Raises:
        BytesDamaged: naming the first chunk, in order of the files, that is gone or wrong.
    """
    chunks = list(distinct_chunks(files).values())
    damaged = await execution.read(partial(_damaged, project=project, digest=record.digest))
    async with damage_noted(execution, Reading(project, record.digest)):
        await for_each(execution, chunks, partial(verify_chunk, blobs))
    if damaged:
        await execution.note(partial(_repair, digests=damaged))
    return chunks


def verify_chunk(blobs: BlobStore, chunk: Chunk) -> None:
    """Read a chunk and compare its digest; raises what :func:`verify_blob` raises."""
    verify_blob(blobs, chunk.digest, chunk.size)


def _damaged(reader: Reader, *, project: str, digest: Digest) -> list[Digest]:
    return reader.artifacts.damaged(reader.projects.require(project).id, digest)


def _repair(unit: UnitOfWork, *, digests: Sequence[Digest]) -> None:
    unit.artifacts.repair(digests)
