"""How many bytes of a stream are held in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Room:
    """A number of bytes to take from, and to wait for."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._given_back = asyncio.Event()

    async def take(self, size: int, *, users: int) -> Callable[[], None]:
        """Wait until there is room, or nobody else has taken any.

        Returns:
            What each of the ``users`` calls once when it is done; with the last one the room is free again.
        """
        while self._taken and self._taken + size > self._most:
            self._given_back.clear()
            await self._given_back.wait()
        self._taken += size
        left = users

        def give_back() -> None:
            nonlocal left
            left -= 1
            if not left:
                self._taken -= size
                self._given_back.set()

        return give_back
