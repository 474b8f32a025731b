"""Referring to blobs that were just stored, while collection may be removing blobs of the same digests.

A blob is stored first and referred to afterwards, in a transaction that claims it. The claim is refused when the
blob may have been removed in between, for it had been an orphan before; then whoever stored it looks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from muniment.digests import Digest
from muniment_core.db.collection_store import CollectedMeanwhile
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.errors import StorageUnavailable
from muniment_core.domain.tiers import Shelf
from muniment_core.rpc.execution import Execution

from muniment_artifact.blobs import BlobStore
from muniment_artifact.blobs.store import STORE_NAME
from muniment_artifact.collection.sweep import finish_removals

ATTEMPTS = 200
PAUSE_SECONDS = 0.05
ATTEMPTS_BEFORE_FINISHING = 20
"""A removal takes milliseconds; one that takes a second was cut short, and is finished by whoever waits for it."""

T = TypeVar("T")
R = TypeVar("R")


async def note_stored(
    execution: Execution,
    blobs: BlobStore,
    digests: Sequence[Digest],
    note: Callable[[UnitOfWork, int], None],
    *,
    epoch: int,
    shelf: Shelf = Shelf.HOT,
) -> int:
    """Refer to blobs that were stored in an epoch or later.

    Args:
        digests: of all blobs that the rows refer to.
        note: writes the rows, given the epoch of its claim.
        shelf: which store it is.

    Returns:
        The epoch in which they were claimed.

    Raises:
        StorageUnavailable: if one of them was removed meanwhile: it has to be sent again.
    """
    for attempt in range(ATTEMPTS):
        try:
            await execution.note(partial(_noted, note, epoch))
            return epoch
        except CollectedMeanwhile as moved:
            epoch = moved.epoch
            if moved.deleting:
                await _pause(execution, shelf, blobs, attempt)
            elif not await execution.io(partial(_all_there, blobs, digests)):
                # The stream ends with this; its client plans again and is asked for the chunk.
                raise StorageUnavailable(STORE_NAME) from moved
    raise StorageUnavailable(STORE_NAME)


async def store_and_note(
    execution: Execution, blobs: BlobStore, store: Callable[[], T], note: Callable[[UnitOfWork, T, int], R]
) -> tuple[T, R]:
    """Store small blobs and refer to them, both as often as collection comes between.

    Raises:
        StorageUnavailable: if that does not end.
    """
    for attempt in range(ATTEMPTS):
        epoch = await execution.read(_epoch)
        stored = await execution.io(store)
        try:
            return stored, await execution.note(partial(_with, note, stored, epoch))
        except CollectedMeanwhile as moved:
            if moved.deleting:
                await _pause(execution, Shelf.HOT, blobs, attempt)
    raise StorageUnavailable(STORE_NAME)


async def _pause(execution: Execution, shelf: Shelf, blobs: BlobStore, attempt: int) -> None:
    await asyncio.sleep(PAUSE_SECONDS)
    if attempt % ATTEMPTS_BEFORE_FINISHING == ATTEMPTS_BEFORE_FINISHING - 1:
        await finish_removals(execution, {shelf: blobs})


def _all_there(blobs: BlobStore, digests: Sequence[Digest]) -> bool:
    return all(blobs.stat(digest) is not None for digest in digests)


def _epoch(reader: Reader) -> int:
    return reader.collection.epoch()


def _noted(note: Callable[[UnitOfWork, int], None], epoch: int, unit: UnitOfWork) -> None:
    note(unit, epoch)


def _with(note: Callable[[UnitOfWork, T, int], R], stored: T, epoch: int, unit: UnitOfWork) -> R:
    return note(unit, stored, epoch)
