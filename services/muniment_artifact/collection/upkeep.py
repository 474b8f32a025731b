"""What a server does about space by itself."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta

from muniment_core.rpc.execution import Execution
from muniment_core.rpc.periodic import periodically

from muniment_artifact.collection.collect import collect
from muniment_artifact.collection.sweep import NotOurTurn, Stores, finish_removals

UPKEEP = timedelta(minutes=1)
"""How often to look for what another process left half done."""

_log = logging.getLogger(__name__)


async def look_after_bytes(
    execution: Execution,
    stores: Stores,
    *,
    every: timedelta | None,
    grace: timedelta,
    drop_archived: bool,
) -> None:
    """Finish removals that were cut short, and collect as often as told, until cancelled."""
    clock = asyncio.get_running_loop().time
    next_run = clock() + (every or timedelta()).total_seconds()
    pause = min(every or UPKEEP, UPKEEP).total_seconds()

    async def look_after() -> None:
        nonlocal next_run
        with suppress(NotOurTurn):
            await finish_removals(execution, stores)
            if every is not None and clock() >= next_run:
                next_run = clock() + every.total_seconds()
                await _collect(execution, stores, grace, drop_archived)

    await periodically(look_after, "looking after bytes", every=pause)


async def _collect(execution: Execution, stores: Stores, grace: timedelta, drop_archived: bool) -> None:
    done = await collect(execution, stores, grace=grace, drop_archived=drop_archived)
    if done.archived_manifests:
        _log.info(
            "%d bytes of %d archived manifests went to the cold tier",
            *(done.archived_bytes, done.archived_manifests),
        )
    if done.blobs or done.chunks or done.manifests:
        _log.info(
            "collection gave back %d bytes: %d blobs, %d chunks, %d manifests",
            *(done.bytes, done.blobs, done.chunks, done.manifests),
        )
