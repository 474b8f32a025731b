"""Retention: the bodies of old batches go, their roots and ledger entries stay.

Two steps, each of which may be cut short and is taken up again by the next run: an entry of type
``predictions.expired`` names the batches that are given up, and then their bodies are removed.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.access import SYSTEM
from muniment_core.domain.ledger import EntryDraft
from muniment_core.domain.prediction import Batch
from muniment_core.rpc.execution import Execution
from muniment_core.rpc.periodic import periodically

from muniment_metadata.predictions.bodies import BodyStore

EXPIRED = "predictions.expired"
BATCHES_AT_ONCE = 1_000
"""Their revisions stand in one ledger entry, which holds at most 64 KiB."""
SENDERS_REMEMBERED = timedelta(days=30)
"""A sender that is silent for longer is forgotten: no process tries to send the same message for so long."""
INTERVAL_SECONDS = 3600.0
RETRY_SECONDS = 60.0
_log = logging.getLogger(__name__)


class AlreadyExpired(Exception):
    """Another process gave all of these batches up meanwhile."""


async def expire_predictions(execution: Execution, bodies: BodyStore, *, older_than: timedelta) -> int:
    """Give up the bodies of batches sealed longer ago than a time, and remove those given up before.

    Returns:
        How many bodies were removed.

    Raises:
        DomainError: if a store does not answer; the next run goes on from there.
    """
    before = execution.clock() - older_than
    while kept := await execution.read(
        lambda reader: reader.predictions.kept(sealed_before=before, limit=BATCHES_AT_ONCE)
    ):
        by_project: dict[int, list[Batch]] = defaultdict(list)
        for batch in kept:
            by_project[batch.project_id].append(batch)
        for project_id, batches in by_project.items():
            project = await execution.read(partial(_project_name, project_id=project_id))
            with suppress(AlreadyExpired):
                await execution.record(partial(_give_up, project, batches), actor=SYSTEM.name)
    dropped = 0
    while given_up := await execution.read(lambda reader: reader.predictions.given_up(limit=BATCHES_AT_ONCE)):
        await execution.io(partial(_drop, bodies, given_up))
        await execution.note(partial(_note_dropped, [batch.revision for batch in given_up]))
        dropped += len(given_up)
    return dropped


async def look_after_predictions(
    execution: Execution, bodies: BodyStore, *, older_than: timedelta | None
) -> None:
    """Run retention (None: none) and forget silent senders, every hour, until cancelled."""

    async def look_after() -> None:
        if older_than is not None:
            dropped = await expire_predictions(execution, bodies, older_than=older_than)
            if dropped:
                _log.info("retention removed the bodies of %d batches of predictions", dropped)
        await execution.note(_forget_senders)

    await periodically(look_after, "looking after predictions", every=INTERVAL_SECONDS, retry=RETRY_SECONDS)


def _project_name(reader: Reader, *, project_id: int) -> str:
    return reader.projects.name_of(project_id)


def _give_up(project: str, batches: Sequence[Batch], unit: UnitOfWork) -> None:
    """Mark those batches that no other process has marked meanwhile.

    Raises:
        AlreadyExpired: if there are none.
    """
    revisions = unit.predictions.not_expired([batch.revision for batch in batches])
    if not revisions:
        raise AlreadyExpired
    unit.predictions.expire(revisions, now=unit.now)
    unit.record(EntryDraft(type=EXPIRED, project=project, data={"batches": revisions}))


def _note_dropped(revisions: list[int], unit: UnitOfWork) -> None:
    unit.predictions.note_dropped(revisions)


def _forget_senders(unit: UnitOfWork) -> None:
    unit.predictions.forget_senders(silent_since=unit.now - SENDERS_REMEMBERED)


def _drop(bodies: BodyStore, batches: Sequence[Batch]) -> None:
    for batch in batches:
        bodies.drop(batch.body_digest)
