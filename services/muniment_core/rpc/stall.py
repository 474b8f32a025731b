"""A deadline for every message of a client stream: who opens one and falls silent does not hold it for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from muniment_core.domain.errors import InvalidField

STALL_SECONDS = 120.0
"""Longest wait for the next message of a client. Clients read, hash and send at most a frame in between, so this
is hundreds of times what a slow disk takes; it bounds what a client that hangs, or means harm, keeps open."""


class Moving:
    """The messages of a stream, each in time, the first included.

    Time counts only while the server waits: a client that is slowed down by flow control is not silent. Not a
    generator: this is passed by every frame of a transfer.
    """

    def __init__(self, messages: AsyncIterator[Any], seconds: float) -> None:
        self._messages = aiter(messages)
        self._seconds = seconds

    def __aiter__(self) -> Moving:
        return self

    async def __anext__(self) -> Any:
        """
        Raises:
            InvalidField: if none came in time.
        """
        try:
            async with asyncio.timeout(self._seconds):
                return await anext(self._messages)
        except TimeoutError:
            raise InvalidField(
                "stream",
                f"stood still for {self._seconds:g} s, which ends it: "
                "open it again, what was acknowledged is kept",
            ) from None
