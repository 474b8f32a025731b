"""One run of collection: archived bytes move into the cold tier, what nothing needs is given up in the database,
and then blobs nobody refers to go.

A run may be cut short anywhere; the next one goes on from what the database says.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import islice

from muniment_core.db.collection_store import CondemnedBlob
from muniment_core.db.needs import needed_blobs
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.errors import DomainError, StorageFull, StorageUnavailable
from muniment_core.domain.tiers import Policy, Shelf
from muniment_core.rpc.execution import Execution

from muniment_artifact.blobs import BlobStat, BlobStore
from muniment_artifact.collection.cool import Cooled, cool_archived, foresee_cooling
from muniment_artifact.collection.findings import forget_findings
from muniment_artifact.collection.sweep import Stores, Turn, our_turn, sweep

ROWS = 500
"""Rows of one transaction, during which nobody else stores anything."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Collected:
    """What a run gave back, or would.

    Attributes:
        manifests: that no version has, or only versions that gave up their bytes.
        chunks: that a project held and no manifest is made of; two projects may hold the same one.
        blobs: removed from the stores.
        bytes: of those blobs.
        leftovers: of writers that died.
        archived_manifests: whose chunks moved into the cold tier.
        archived_bytes: of those chunks.
    """

    manifests: int = 0
    chunks: int = 0
    blobs: int = 0
    bytes: int = 0
    leftovers: int = 0
    archived_manifests: int = 0
    archived_bytes: int = 0


async def collect(
    execution: Execution, stores: Stores, *, grace: timedelta, drop_archived: bool = False
) -> Collected:
    """Give back what nothing needs, and nobody counted on for as long as the grace period.

    Args:
        stores: every store there is.
        drop_archived: give the bytes of archived versions up too, and do not move them into the cold tier.

    Raises:
        NotOurTurn: if another process collects.
        DomainError: if the database does not answer, or a store, after all that can be done without it; the next
            run goes on from there.
    """
    policy = Policy(execution.clock() - grace, drop_archived)
    collected, cooled = Collected(), Cooled()
    failures: list[DomainError] = []
    async with our_turn(execution) as turn:
        with _apart(failures):
            await _swept(execution, {Shelf.COLD: stores[Shelf.COLD]}, turn, collected)
            await cool_archived(execution, stores, policy, turn, cooled)
        collected.archived_manifests, collected.archived_bytes = cooled.manifests, cooled.bytes
        collected.manifests = await _released(
            execution,
            lambda reader, after: reader.releases.leaving_manifests(policy, after=after, limit=ROWS),
            lambda unit, ids: unit.releases.release_manifests(ids, policy),
        )
        collected.chunks = await _released(
            execution,
            lambda reader, after: reader.releases.unreferenced_chunks(policy, after=after, limit=ROWS),
            lambda unit, ids: unit.releases.release_chunks(ids, policy),
        )
        await forget_findings(execution)
        for shelf, store in stores.items():
            with _apart(failures):
                await _condemn_orphans(execution, shelf, store, policy, turn=turn, into=collected)
                collected.leftovers += await execution.io(store.remove_leftovers)
                await _swept(execution, {shelf: store}, turn, collected)
    if failures:
        raise failures[0]
    return collected


async def foresee(
    execution: Execution, stores: Stores, *, grace: timedelta, drop_archived: bool = False
) -> Collected:
    """What a run would give back; nothing is changed. Leftovers are not looked for."""
    policy = Policy(execution.clock() - grace, drop_archived)
    collected = Collected()
    cooled = await foresee_cooling(execution, policy)
    collected.archived_manifests, collected.archived_bytes = cooled.manifests, cooled.bytes
    collected.manifests = await _counted(
        execution, lambda reader, after: reader.releases.leaving_manifests(policy, after=after, limit=ROWS)
    )
    collected.chunks = await _counted(
        execution,
        lambda reader, after: reader.releases.unreferenced_chunks(
            policy, after=after, limit=ROWS, beforehand=True
        ),
    )
    for shelf, store in stores.items():
        async with aclosing(_listed(execution, store)) as batches:
            async for batch in batches:
                going = await _unneeded(execution, shelf, batch, policy, beforehand=True)
                collected.blobs += len(going)
                collected.bytes += sum(blob.size for blob in going)
    return collected


@contextmanager
def _apart(failures: list[DomainError]) -> Iterator[None]:
    """Keeps the failure of a store for the end: what concerns the others goes on."""
    try:
        yield
    except (StorageFull, StorageUnavailable) as error:
        _log.warning("a store failed, and is left out of this collection: %s", error.message)
        failures.append(error)


async def _released(
    execution: Execution,
    find: Callable[[Reader, int], list[int]],
    release: Callable[[UnitOfWork, Sequence[int]], int],
) -> int:
    released, after = 0, 0
    while ids := await execution.query(partial(_found, find, after)):
        released += await execution.note(partial(_decided, release, ids))
        after = ids[-1]
    return released


async def _counted(execution: Execution, find: Callable[[Reader, int], list[int]]) -> int:
    counted, after = 0, 0
    while ids := await execution.query(partial(_found, find, after)):
        counted += len(ids)
        after = ids[-1]
    return counted


async def _condemn_orphans(
    execution: Execution,
    shelf: Shelf,
    store: BlobStore,
    policy: Policy,
    *,
    turn: Turn,
    into: Collected,
) -> None:
    async with aclosing(_listed(execution, store)) as batches:
        async for batch in batches:
            orphans = await _unneeded(execution, shelf, batch, policy)
            if orphans:
                await execution.note(partial(_condemn, orphans))
                await _swept(execution, {shelf: store}, turn, into)


async def _swept(execution: Execution, stores: Stores, turn: Turn, into: Collected) -> None:
    removed = await sweep(execution, stores, turn)
    into.blobs += removed.blobs
    into.bytes += removed.bytes


async def _unneeded(
    execution: Execution,
    shelf: Shelf,
    batch: Sequence[BlobStat],
    policy: Policy,
    *,
    beforehand: bool = False,
) -> list[CondemnedBlob]:
    old = {blob.digest: blob for blob in batch if blob.modify_time < policy.before}
    if not old:
        return []
    leaving = policy if beforehand else None
    needed = await execution.query(
        lambda reader: needed_blobs(reader.connection, shelf, old, leaving=leaving)
    )
    return [CondemnedBlob(shelf, digest, blob.size) for digest, blob in old.items() if digest not in needed]


async def _listed(execution: Execution, store: BlobStore) -> AsyncGenerator[list[BlobStat], None]:
    listing = iter(store.list())
    while batch := await execution.io(lambda: list(islice(listing, ROWS))):
        yield batch


def _found(find: Callable[[Reader, int], list[int]], after: int, reader: Reader) -> list[int]:
    return find(reader, after)


def _decided(
    release: Callable[[UnitOfWork, Sequence[int]], int], ids: Sequence[int], unit: UnitOfWork
) -> int:
    unit.collection.decide()
    return release(unit, ids)


def _condemn(blobs: Sequence[CondemnedBlob], unit: UnitOfWork) -> None:
    unit.collection.decide()
    unit.collection.condemn(blobs, now=unit.now)
