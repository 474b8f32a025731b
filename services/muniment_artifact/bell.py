"""Waiting until something is so, on the event loop: ``asyncio.Condition`` without its lock.

A stream of chunks waits and is woken several times for each of them, and nothing else runs between two statements
that do not await.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Bell:
    """Rung whenever something may have become so."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Callable[[], object], asyncio.Future[bool]]] = []

    def ring(self) -> None:
        """Wake those for whom it is so now."""
        waiting, self._waiting = self._waiting, []
        for so, woken in waiting:
            if woken.done():
                continue
            if so():
                woken.set_result(True)
            else:
                self._waiting.append((so, woken))

    async def heard(self, so: Callable[[], object], *, seconds: float | None = None) -> bool:
        """Wait until it is so; False if it is not after so long."""
        if so():
            return True
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((so, woken))
        timer = loop.call_later(seconds, _give_up, woken) if seconds is not None else None
        try:
            return await woken
        finally:
            if timer is not None:
                timer.cancel()


def _give_up(woken: asyncio.Future[bool]) -> None:
    if not woken.done():
        woken.set_result(False)
