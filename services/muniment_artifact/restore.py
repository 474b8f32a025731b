"""Bringing the chunks of a manifest back from the cold tier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from muniment.digests import Digest
from muniment_core.db.artifact_store import Chunk, ManifestRecord
from muniment_core.db.unit_of_work import UnitOfWork
from muniment_core.domain.errors import BytesDamaged
from muniment_core.domain.tiers import Tier
from muniment_core.rpc.execution import Execution

from muniment_artifact.blobs import BlobStore
from muniment_artifact.blobs.copying import copy_blob
from muniment_artifact.blobs.verified import verify_blob
from muniment_artifact.collection.claims import note_stored
from muniment_artifact.collection.together import for_each
from muniment_artifact.damage import damage_noted
from muniment_artifact.manifest import distinct_chunks
from muniment_artifact.read import get_files


@dataclass(frozen=True, slots=True)
class Restored:
    """What is at hand now, every byte of it read.

    Attributes:
        chunks: the different ones.
        copied_bytes: of those that came from the cold tier.
    """

    chunks: Sequence[Chunk]
    copied_bytes: int


async def restore_manifest(
    execution: Execution, hot: BlobStore, cold: BlobStore, *, project: str, digest: Digest
) -> Restored:
    """Have every chunk of a manifest at hand and right, and have collection leave it alone for a grace period.

    A chunk that is at hand is read; one that is not, or is not right, is copied from the cold tier. After a
    failure the next call goes on from there.

    Raises:
        ProjectNotFound, ManifestNotFound: if the project holds no such manifest.
        BytesArchived: if its bytes were given up.
        BytesDamaged: if a chunk is gone or wrong wherever it should be.
    """
    epoch = await execution.read(lambda reader: reader.collection.epoch())
    record, files = await get_files(execution, hot, project=project, digest=digest)
    chunks = list(distinct_chunks(files).values())
    if record.tier is Tier.HOT:
        async with damage_noted(execution):
            await for_each(execution, chunks, partial(_verified, hot))
        copied = [0]
    else:
        copied = await for_each(execution, chunks, partial(_copied, hot, cold))
    say = partial(_say, project=project, record=record, chunks=chunks)
    referred = [record.config_digest, record.chunk_map.digest, *(chunk.digest for chunk in chunks)]
    await note_stored(execution, hot, referred, say, epoch=epoch)
    return Restored(chunks, sum(copied))


def _verified(hot: BlobStore, chunk: Chunk) -> None:
    verify_blob(hot, chunk.digest, chunk.size)


def _copied(hot: BlobStore, cold: BlobStore, chunk: Chunk) -> int:
    try:
        verify_blob(hot, chunk.digest, chunk.size)
        return 0
    except BytesDamaged:
        copy_blob(cold, hot, chunk.digest, chunk.size)
        return chunk.size


def _say(
    unit: UnitOfWork, epoch: int, *, project: str, record: ManifestRecord, chunks: Sequence[Chunk]
) -> None:
    project_id = unit.projects.require(project).id
    unit.artifacts.add_chunks(project_id, chunks, now=unit.now, epoch=epoch)
    digests = [chunk.digest for chunk in chunks]
    unit.artifacts.add_manifest(project_id, record, chunks=digests, now=unit.now, epoch=epoch)
