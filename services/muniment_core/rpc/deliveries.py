"""Results of other threads, handed to the event loop.

Waking the loop costs more than most results do, and a commit answers many callers: the loop is woken once for all
that is ready. What asyncio has for this (:func:`asyncio.wrap_future`) wakes it for each, over two futures.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Promise(Generic[T]):
    """What one task waits for and another thread fulfils; the first outcome counts.

    Attributes:
        told: whether an outcome was given.
    """

    __slots__ = ("_deliveries", "future", "told")

    def __init__(self, deliveries: Deliveries, future: asyncio.Future[T]) -> None:
        self._deliveries = deliveries
        self.future = future
        self.told = False

    def set_running_or_notify_cancel(self) -> bool:
        """Whether the work is to be done: not if its caller gave up before it began."""
        return not self.future.cancelled()

    def set_result(self, result: T) -> None:
        """End with a result. From any thread."""
        self.told = True
        self._deliveries.put(self.future, result, None)

    def set_exception(self, error: BaseException) -> None:
        """End with an error. From any thread."""
        self.told = True
        self._deliveries.put(self.future, None, error)


class Deliveries:
    """Everything on its way to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._ready: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._called = False

    def promise(self) -> Promise[Any]:
        """Something to wait for on this loop."""
        return Promise(self, self.loop.create_future())

    async def of(self, pool: Executor, work: Callable[[Promise[T]], None]) -> T:
        """What work in a pool promises: it may go on when it has said it."""
        promise: Promise[T] = self.promise()

        def run() -> None:
            if not promise.set_running_or_notify_cancel():
                return
            try:
                work(promise)
            except BaseException as error:  # noqa: BLE001 - told to who waits, or else to the operator
                if promise.told:
                    _log.warning("after an answer was given, what remained to be done failed", exc_info=error)
                else:
                    promise.set_exception(error)

        pool.submit(run)
        return await promise.future

    def put(self, future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
        """Have a future end with a result or an error."""
        # In this order: whoever empties the queue says so before it looks.
        self._ready.append((future, result, error))
        if not self._called:
            self._called = True
            try:
                self.loop.call_soon_threadsafe(self._deliver)
            except RuntimeError as closed:  # the loop has ended, and with it all who waited
                _log.debug("a result came too late: %s", closed)

    def _deliver(self) -> None:
        self._called = False
        while self._ready:
            future, result, error = self._ready.popleft()
            if future.done():  # its caller gave up, or it was told before
                continue
            if error is None:
                future.set_result(result)
            else:
                # No future takes what ends an iteration.
                future.set_exception(RuntimeError(error) if isinstance(error, StopIteration) else error)
