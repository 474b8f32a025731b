"""Removing condemned blobs, in three steps that may be cut short anywhere and done again.

A transaction says which blobs are being removed, then they are removed, then a transaction says that they were.
Only one process removes blobs at a time, so that what somebody else did not finish was given up by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from muniment_core.db.collection_store import CondemnedBlob
from muniment_core.db.unit_of_work import UnitOfWork
from muniment_core.domain.errors import DatabaseUnavailable
from muniment_core.domain.tiers import Shelf
from muniment_core.rpc.execution import Execution

from muniment_artifact.blobs import BlobStore
from muniment_artifact.collection.together import AT_ONCE
from muniment_artifact.pool import spawn

TURN = 0x6D756E72
"""The right to remove blobs."""

BATCH = 500

Stores = Mapping[Shelf, BlobStore]


class NotOurTurn(Exception):
    """Another process removes blobs."""

    def __init__(self) -> None:
        super().__init__("another process collects right now: wait until it is done")


@dataclass(slots=True)
class Removed:
    """What was removed."""

    blobs: int = 0
    bytes: int = 0


class Turn:
    """The right of this process to remove blobs, as long as it stands."""

    def __init__(self, stands: Callable[[], bool]) -> None:
        self._stands = stands

    def check(self) -> None:
        """Make sure that no other process was given the right meanwhile.

        Raises:
            DatabaseUnavailable: if it may have been.
        """
        if not self._stands():
            raise DatabaseUnavailable


@asynccontextmanager
async def our_turn(execution: Execution) -> AsyncIterator[Turn]:
    """The right to remove blobs.

    Raises:
        NotOurTurn: if another process has it.
    """
    async with execution.alone(TURN) as stands:
        if stands is None:
            raise NotOurTurn
        yield Turn(stands)


async def finish_removals(execution: Execution, stores: Stores) -> None:
    """Remove what is condemned, unless another process is about it."""
    try:
        async with our_turn(execution) as turn:
            await sweep(execution, stores, turn)
    except NotOurTurn:
        pass


async def sweep(execution: Execution, stores: Stores, turn: Turn) -> Removed:
    """Remove the condemned blobs of stores that nothing needs.

    Raises:
        StorageUnavailable: if a store does not answer; the next run goes on from there.
    """
    removed = Removed()
    # One after the other: a store that fails keeps back what concerns itself and those after it.
    for shelf in stores:
        while doomed := await execution.note(partial(_doom, (shelf,))):
            await execution.io(turn.check)
            await _removed(execution, stores, doomed)
            await execution.note(partial(_forget, doomed))
            removed.blobs += len(doomed)
            removed.bytes += sum(blob.size for blob in doomed)
    return removed


async def _removed(execution: Execution, stores: Stores, doomed: Sequence[CondemnedBlob]) -> None:
    """Remove blobs; when this ends, however it ends, no thread removes any more."""
    parts = [doomed[start::AT_ONCE] for start in range(AT_ONCE)]
    removing = [spawn(execution.io(partial(_remove, stores, part))) for part in parts]
    try:
        await asyncio.wait(removing)
    except asyncio.CancelledError:
        await asyncio.wait(removing)
        raise
    for part in removing:
        part.result()


def _doom(shelves: Iterable[Shelf], unit: UnitOfWork) -> list[CondemnedBlob]:
    unit.collection.decide()
    return unit.collection.doom(shelves, limit=BATCH)


def _remove(stores: Stores, blobs: Sequence[CondemnedBlob]) -> None:
    for blob in blobs:
        stores[blob.shelf].delete(blob.digest)


def _forget(blobs: Sequence[CondemnedBlob], unit: UnitOfWork) -> None:
    unit.collection.forget(blobs)
