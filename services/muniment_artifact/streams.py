"""How many streams of bytes a process carries at once, and how long one may stand still because nobody reads it.

A stream costs file descriptors and megabytes for as long as it lasts. gRPC takes any number of them, and waits for
ever for a client that opened one and does not read.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import grpc
from muniment_core.domain.errors import TransfersBusy
from muniment_core.rpc.auth import current_principal
from muniment_core.rpc.stall import STALL_SECONDS

WAIT_SECONDS = 10.0
"""How long a stream waits for its turn; clients take a stream for dead that stands still for thirty."""

MAX_UNREAD = 16
"""Streams of one caller that were given up because it did not read them. What gRPC holds of such a stream, about
two megabytes, is let go only when the caller ends it or its connection, so these are counted until then."""


class ByteStreams:
    """Admits streams and watches that their clients read."""

    def __init__(
        self, most: int, *, wait_seconds: float = WAIT_SECONDS, stall_seconds: float = STALL_SECONDS
    ) -> None:
        self._slots = asyncio.Semaphore(most)
        self._wait_seconds = wait_seconds
        self._stall_seconds = stall_seconds
        self._unread = Counter[str]()

    @asynccontextmanager
    async def admitted(self, context: Any) -> AsyncIterator[Reader]:
        """A turn for the stream of a call.

        Raises:
            TransfersBusy: if none came in time, or the caller leaves too many streams unread.
        """
        caller = current_principal.get().name
        if self._unread[caller] >= MAX_UNREAD:
            raise TransfersBusy
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise TransfersBusy from None
        reader = Reader(context, self._stall_seconds)
        try:
            yield reader
        finally:
            self._slots.release()
            if reader.gave_up:
                self._count_until_ended(caller, context)

    def _count_until_ended(self, caller: str, context: Any) -> None:
        self._unread[caller] += 1

        def ended(_context: Any) -> None:
            self._unread[caller] -= 1
            # Unary plus drops what is zero: callers are not remembered for ever.
            self._unread = +self._unread

        context.add_done_callback(ended)


class Reader:
    """The client of a stream, as far as it reads."""

    def __init__(self, context: Any, stall_seconds: float) -> None:
        self.gave_up = False
        self._context = context
        self._stall_seconds = stall_seconds
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Surrounds the ``yield`` of a message: until the generator goes on, gRPC is handing the message over."""
        timer = self._loop.call_later(self._stall_seconds, self._give_up)
        try:
            yield
        finally:
            timer.cancel()

    def _give_up(self) -> None:
        self.gave_up = True
        # Only a client that reads again after all will see this.
        self._context.set_code(grpc.StatusCode.UNAVAILABLE)
        self._context.set_details(f"the stream was not read for {self._stall_seconds:g} s: open it again")
        if self._task is not None:
            self._task.cancel()
