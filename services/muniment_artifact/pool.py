"""Work on the I/O pool for calls that may be cancelled at any moment.

A thread cannot be cancelled. When a call is, the thread that works for it may still be inside a writer or a
reader, so nobody else may touch that object before the thread has come back. The functions here keep to that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence
from contextlib import closing
from functools import partial
from typing import Any, TypeVar

from muniment.frames import RangeFrame
from muniment_core.rpc.execution import Execution

from muniment_artifact.limits import MIB

T = TypeVar("T")

HANDED_BYTES = 2 * MIB
"""Bytes of a stream that go from one thread to another together, as a rule a chunk: the hop costs as much as a
tenth of hashing a megabyte, and the frames of a small file nothing beside it."""

# The event loop holds tasks weakly; work that outlives its call is held here until it is done.
_outliving: set[asyncio.Task[Any]] = set()


def spawn(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start a task that goes on when the call that started it is cancelled."""
    task = asyncio.create_task(work)
    _outliving.add(task)
    task.add_done_callback(_ended)
    return task


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end. A cancelled caller stops waiting, the work goes on."""
    return await asyncio.shield(spawn(work))


async def frames_from(
    execution: Execution, frames: Generator[RangeFrame, None, None]
) -> AsyncGenerator[RangeFrame, None]:
    """Iterate over frames on the pool, a few of them ahead of the caller, and close their generator at the end."""
    handed = _handed_over(frames)
    ahead = spawn(execution.io(partial(next, handed, None)))
    try:
        while (some := await asyncio.shield(ahead)) is not None:
            ahead = spawn(execution.io(partial(next, handed, None)))
            for frame in some:
                yield frame
    finally:
        await uninterrupted(_close(execution, handed, ahead))


class InOrder:
    """Pieces of work on the pool, one after the other; while there are none no thread is held.

    What has gathered while a piece ran is handed over at once, and work on a few bytes waits for more of it.

    Attributes:
        failure: what the first piece that failed raised; those after it are left out.
    """

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._waiting: list[tuple[Callable[[], None], Callable[[], None]]] = []
        self._waiting_bytes = 0
        self._running: list[Callable[[], None]] = []
        self._idle: asyncio.Future[None] | None = None
        self.failure: Exception | None = None

    def add(
        self, work: Callable[[], None], then: Callable[[], None] = lambda: None, *, size: int | None = None
    ) -> None:
        """Do something after what was added before.

        Args:
            work: runs on the pool, unless something before it failed.
            then: called on the event loop when it has run, failed, or been left out.
            size: in bytes, for work that may wait until ``HANDED_BYTES`` have gathered, or other work comes.
        """
        self._waiting.append((work, then))
        self._waiting_bytes += HANDED_BYTES if size is None else size
        if not self._running and self._waiting_bytes >= HANDED_BYTES:
            self._start()

    async def end(self) -> None:
        """Wait until all is done that was begun.

        Raises:
            Exception: what the first piece that failed raised.
        """
        if self._running:
            if self._idle is None:
                self._idle = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._idle)
        if self.failure is not None:
            raise self.failure

    def _start(self) -> None:
        works = [] if self.failure is not None else [work for work, _ in self._waiting]
        self._running = [then for _, then in self._waiting]
        self._waiting, self._waiting_bytes = [], 0
        self._execution.io_then(partial(_one_by_one, works), self._done)

    def _done(self, failure: Exception | None) -> None:
        self.failure = self.failure or failure
        done, self._running = self._running, []
        for then in done:
            then()
        if self._waiting_bytes >= HANDED_BYTES and not self._running:
            self._start()
        if self._idle is not None and not self._running:
            self._idle.set_result(None)
            self._idle = None


async def settled(task: asyncio.Task[Any]) -> None:
    """Wait until a task has ended, however it ended."""
    await asyncio.wait([task])


async def _close(execution: Execution, frames: Generator[Any, None, None], ahead: asyncio.Task[Any]) -> None:
    await settled(ahead)
    await execution.io(frames.close)


def _handed_over(frames: Generator[RangeFrame, None, None]) -> Generator[list[RangeFrame], None, None]:
    """Frames, gathered; those before a failure come before it."""
    some: list[RangeFrame] = []
    size = 0
    with closing(frames):
        try:
            for frame in frames:
                some.append(frame)
                size += len(frame.data)
                if size >= HANDED_BYTES:
                    yield some
                    some, size = [], 0
        except Exception:
            if some:
                yield some
            raise
        if some:
            yield some


def _one_by_one(works: Sequence[Callable[[], None]]) -> None:
    for work in works:
        work()


def _ended(task: asyncio.Task[Any]) -> None:
    _outliving.discard(task)
    # Reading the exception marks it as seen: whoever still waits gets it, and a cancelled call has no use for
    # it.
    if not task.cancelled():
        task.exception()
