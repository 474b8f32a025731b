"""Answers to requests are remembered for those who repeat them, and not for ever.

A caller repeats a request for minutes after a lost answer; a pipeline that is run again with the ids of its last
run may do so days later. Without an end the answers would become larger than all they answer.
"""

from __future__ import annotations

import logging
from functools import partial

from muniment_core.db.unit_of_work import UnitOfWork
from muniment_core.domain.limits import ANSWERS_KEPT
from muniment_core.rpc.execution import Execution
from muniment_core.rpc.periodic import periodically

INTERVAL_SECONDS = 3600.0
RETRY_SECONDS = 60.0
ROWS = 500
"""Rows of one transaction: others wait for it some milliseconds."""

_log = logging.getLogger(__name__)


async def forget_answers(execution: Execution, *, rows: int = ROWS) -> int:
    """Forget what was answered long ago; how many answers that were.

    Args:
        execution: the seam to the database.
        rows: how many in one transaction.

    Raises:
        DomainError: if the database does not answer, or nothing may be changed.
    """
    forgotten: list[int] = []
    while not forgotten or forgotten[-1] == rows:
        await execution.note(partial(_forget, forgotten, rows))
    return sum(forgotten)


async def look_after_answers(execution: Execution) -> None:
    """Forget every hour, until cancelled."""

    async def forget() -> None:
        forgotten = await forget_answers(execution)
        if forgotten:
            _log.info("%d answers to requests were forgotten for their age", forgotten)

    await periodically(forget, "forgetting answers", every=INTERVAL_SECONDS, retry=RETRY_SECONDS)


def _forget(forgotten: list[int], rows: int, unit: UnitOfWork) -> None:
    forgotten.append(unit.requests.forget(before=unit.now - ANSWERS_KEPT, limit=rows))
