"""What a server does beside its calls, again and again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from muniment_core.domain.errors import DomainError

_log = logging.getLogger(__name__)


async def periodically(
    work: Callable[[], Awaitable[None]], what: str, *, every: float, retry: float | None = None
) -> None:
    """Do something, and again after a pause, until cancelled. What goes wrong is logged, and ends nothing.

    Args:
        what: says what is done, for the log.
        every: seconds between the end of one time and the next.
        retry: seconds after one that failed; by default the same.
    """
    while True:
        pause = every
        try:
            await work()
        except DomainError as error:
            _log.warning("%s goes on later: %s", what, error)
            pause = retry or every
        except Exception:  # noqa: BLE001 - a defect, which the log tells; were it to end here, nobody would notice
            _log.exception("%s failed, and goes on later", what)
            pause = retry or every
        await asyncio.sleep(pause)
