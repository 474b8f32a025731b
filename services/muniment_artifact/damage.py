"""Damage that is found is noted, so that the next one who has the bytes is asked for them and repairs it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from muniment.digests import Digest
from muniment_core.db.artifact_store import Chunk
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.errors import BytesArchived, BytesDamaged, ChunkMissing, DomainError
from muniment_core.domain.tiers import Tier
from muniment_core.rpc.execution import Execution

from muniment_artifact.blobs import BlobStore
from muniment_artifact.manifest import FileEntry, distinct_chunks

_BATCH = 256
_BATCHES_AT_ONCE = 8
"""A store over the network takes milliseconds for each blob; half of the pool stays free for others."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """A manifest whose chunks are read."""

    project: str
    digest: Digest


@asynccontextmanager
async def damage_noted(execution: Execution, reading: Reading | None = None) -> AsyncIterator[None]:
    """Notes the damage that ends the block, and lets it pass.

    Args:
        reading: of what the chunks are; chunks that went to the cold tier meanwhile are not damaged.

    Raises:
        BytesArchived: instead, if they went.
    """
    try:
        yield
    except BytesDamaged as error:
        if reading is not None:
            tier = await execution.read(partial(_tier_of, reading))
            if tier is not Tier.HOT:
                raise BytesArchived(reading.digest.text, tier) from error
        digest = Digest(error.facts["digest"])
        _log.error("%s", error.message)
        try:
            await execution.note(partial(_note, digests=[digest]))
        except DomainError as failure:
            # The caller learns of the damage all the same; whoever reads next notes it.
            _log.warning("the damage of %s was not noted: %s", digest, failure.message)
        raise


async def check_present(execution: Execution, blobs: BlobStore, files: Sequence[FileEntry]) -> None:
    """See whether the store has every chunk of files in its size, without reading any.

    Raises:
        ChunkMissing: naming the first one it has not; all of them are noted.
    """
    chunks = list((await execution.io(partial(distinct_chunks, files))).values())
    batches = [chunks[start : start + _BATCH] for start in range(0, len(chunks), _BATCH)]
    absent: list[Digest] = []
    for start in range(0, len(batches), _BATCHES_AT_ONCE):
        looks = [
            execution.io(partial(_absent, blobs, batch))
            for batch in batches[start : start + _BATCHES_AT_ONCE]
        ]
        for found in await asyncio.gather(*looks):
            absent.extend(found)
    if absent:
        _log.error("%d chunks are gone from the store, %s first", len(absent), absent[0])
        await execution.note(partial(_note, digests=absent))
        raise missing_chunk(files, absent[0])


def missing_chunk(files: Sequence[FileEntry], digest: Digest) -> ChunkMissing:
    """The refusal that makes a caller plan again, naming the first file that needs the chunk."""
    needing = (file.path for file in files if any(chunk.digest == digest for chunk in file.chunks))
    return ChunkMissing(digest=digest.text, path=next(needing, ""))


def _absent(blobs: BlobStore, chunks: Sequence[Chunk]) -> list[Digest]:
    stats = ((chunk, blobs.stat(chunk.digest)) for chunk in chunks)
    return [chunk.digest for chunk, found in stats if found is None or found.size != chunk.size]


def _tier_of(reading: Reading, reader: Reader) -> Tier:
    project_id = reader.projects.require(reading.project).id
    return reader.artifacts.require_manifest(project_id, reading.digest).tier


def _note(unit: UnitOfWork, *, digests: Sequence[Digest]) -> None:
    unit.artifacts.damage(digests, now=unit.now)
