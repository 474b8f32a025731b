"""Moving the chunks of archived versions into the cold tier, a manifest at a time.

The chunks are copied first, and then a transaction says that the manifest has them there. Only when that is done
are they collected from where they were, as all that nothing needs. A run may be cut short anywhere: what was
copied for nothing is collected from the cold tier.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

from muniment_core.db.artifact_store import Chunk
from muniment_core.db.cold_store import CoolingManifest
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.errors import BytesDamaged
from muniment_core.domain.tiers import Policy, Shelf
from muniment_core.rpc.execution import Execution

from muniment_artifact.blobs import BlobStore
from muniment_artifact.blobs.copying import copy_blob
from muniment_artifact.blobs.verified import verify_blob
from muniment_artifact.collection.claims import note_stored
from muniment_artifact.collection.sweep import Stores, Turn
from muniment_artifact.collection.together import for_each
from muniment_artifact.damage import damage_noted
from muniment_artifact.manifest import distinct_chunks
from muniment_artifact.read import get_files

PAGE = 50

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Cooled:
    """What was moved into the cold tier."""

    manifests: int = 0
    bytes: int = 0


async def cool_archived(
    execution: Execution, stores: Stores, policy: Policy, turn: Turn, cooled: Cooled
) -> None:
    """Move what belongs into the cold tier. Manifests with damaged chunks stay where they are, and are told of.

    Args:
        cooled: counts on as manifests move.

    Raises:
        DomainError: if a store or the database does not answer; the next run goes on from there.
    """
    hot, cold, after = stores[Shelf.HOT], stores[Shelf.COLD], 0
    while found := await execution.query(partial(_cooling, policy, after)):
        for manifest in found:
            await execution.io(turn.check)
            try:
                moved = await _cool(execution, hot, cold, manifest, policy)
            except BytesDamaged as error:
                _log.error("manifest %s stays out of the cold tier: %s", manifest.digest, error.message)
                continue
            if moved:
                cooled.manifests += 1
                cooled.bytes += manifest.bytes
        after = found[-1].id


async def foresee_cooling(execution: Execution, policy: Policy) -> Cooled:
    """What would be moved."""
    cooled, after = Cooled(), 0
    while found := await execution.query(partial(_cooling, policy, after)):
        cooled.manifests += len(found)
        cooled.bytes += sum(manifest.bytes for manifest in found)
        after = found[-1].id
    return cooled


async def _cool(
    execution: Execution, hot: BlobStore, cold: BlobStore, manifest: CoolingManifest, policy: Policy
) -> bool:
    epoch = await execution.read(lambda reader: reader.collection.epoch())
    record, files = await get_files(execution, hot, project=manifest.project, digest=manifest.digest)
    chunks = list(distinct_chunks(files).values())
    digests = [chunk.digest for chunk in chunks]
    async with damage_noted(execution):
        await for_each(execution, chunks, partial(_copied, hot, cold))
    said: list[bool] = []

    def say(unit: UnitOfWork, epoch: int) -> None:
        unit.collection.decide()
        moved = unit.cold.cool(manifest.id, digests, policy, chunk_map=record.chunk_map.digest, epoch=epoch)
        said[:] = [moved]

    await note_stored(execution, cold, digests, say, epoch=epoch, shelf=Shelf.COLD)
    return said == [True]


def _copied(hot: BlobStore, cold: BlobStore, chunk: Chunk) -> None:
    try:
        # Another manifest may have it there, perhaps for years: what is at hand is about to go.
        verify_blob(cold, chunk.digest, chunk.size)
    except BytesDamaged:
        copy_blob(hot, cold, chunk.digest, chunk.size)


def _cooling(policy: Policy, after: int, reader: Reader) -> list[CoolingManifest]:
    return reader.cold.cooling(policy, after=after, limit=PAGE)
