"""Bringing the chunks of a manifest back from the cold tier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from muniment.digests import Digest
from muniment_core.db.artifact_store import Chunk, ManifestRecord
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.errors import BytesDamaged, StorageUnavailable
from muniment_core.domain.tiers import Shelf, Tier
from muniment_core.rpc.execution import Execution

from muniment_artifact.blobs import BlobStore
from muniment_artifact.blobs.copying import copy_blob
from muniment_artifact.blobs.store import STORE_NAME
from muniment_artifact.blobs.verified import verify_blob
from muniment_artifact.collection.claims import note_stored
from muniment_artifact.collection.together import for_each
from muniment_artifact.damage import damage_noted
from muniment_artifact.manifest import distinct_chunks
from muniment_artifact.read import get_files

NOTED_CHUNKS = 500
"""Chunks that are noted together: a transaction of so many takes some ten milliseconds."""


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

    A chunk that is at hand is read; one that is not, or is not right, is copied from the cold tier. What is done
    is noted on the way, and leased, so that after a failure the next call copies nothing twice.

    Raises:
        ProjectNotFound, ManifestNotFound: if the project holds no such manifest.
        BytesArchived: if its bytes were given up.
        BytesDamaged: if a chunk is gone or wrong wherever it should be.
        StorageUnavailable: if something was collected meanwhile: repeat it.
    """
    record, files = await get_files(execution, hot, project=project, digest=digest)
    chunks = list(distinct_chunks(files).values())
    copied = 0
    for start in range(0, len(chunks), NOTED_CHUNKS):
        part = chunks[start : start + NOTED_CHUNKS]
        epoch = await execution.read(_epoch)
        if record.tier is Tier.HOT:
            # Who pushes the same files is to be asked for what is damaged.
            async with damage_noted(execution):
                copied += sum(await for_each(execution, part, partial(_copied, hot, cold)))
        else:
            copied += sum(await for_each(execution, part, partial(_copied, hot, cold)))
        hold = partial(_hold, project=project, chunks=part)
        await note_stored(execution, hot, [chunk.digest for chunk in part], hold, epoch=epoch)
    epoch = await execution.read(_epoch)
    say = partial(_say, project=project, record=record, chunks=[chunk.digest for chunk in chunks])
    await note_stored(execution, hot, [record.config_digest, record.chunk_map.digest], say, epoch=epoch)
    return Restored(chunks, copied)


def _copied(hot: BlobStore, cold: BlobStore, chunk: Chunk) -> int:
    try:
        verify_blob(hot, chunk.digest, chunk.size)
        return 0
    except BytesDamaged:
        copy_blob(cold, hot, chunk.digest, chunk.size)
        return chunk.size


def _epoch(reader: Reader) -> int:
    return reader.collection.epoch()


def _hold(unit: UnitOfWork, epoch: int, *, project: str, chunks: Sequence[Chunk]) -> None:
    unit.artifacts.add_chunks(unit.projects.require(project).id, chunks, now=unit.now, epoch=epoch)


def _say(
    unit: UnitOfWork, epoch: int, *, project: str, record: ManifestRecord, chunks: Sequence[Digest]
) -> None:
    project_id = unit.projects.require(project).id
    # Nothing is let go from here on, so that what is held now is held when this commits.
    unit.collection.claim(Shelf.HOT, (), epoch=epoch)
    if len(unit.artifacts.held(project_id, chunks)) < len(chunks):
        raise StorageUnavailable(STORE_NAME)
    unit.artifacts.add_manifest(project_id, record, chunks=chunks, now=unit.now, epoch=epoch)
