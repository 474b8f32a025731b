"""Taking chunks from a stream: verify, make durable, note that the project holds them, acknowledge; in that
order.

A stream holds two frames in memory: one that is being written and one that is being received. Chunks become
durable beside the stream, so that the next ones arrive meanwhile; beyond a bound of unacknowledged bytes the
stream is not read, and the client is slowed down by the flow control of its connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from functools import partial

from muniment_core.db.artifact_store import Chunk
from muniment_core.db.unit_of_work import UnitOfWork
from muniment_core.rpc.execution import Execution

from muniment_artifact.blobs import BlobStore
from muniment_artifact.intake import ArrivingChunk, Frame, FrameOrder
from muniment_artifact.limits import Limits
from muniment_artifact.pool import settled, spawn, uninterrupted


@dataclass(frozen=True, slots=True)
class _Finishing:
    chunk: Chunk
    task: asyncio.Task[None]


class ChunkStream:
    """One stream of chunks into a project."""

    def __init__(self, execution: Execution, blobs: BlobStore, limits: Limits, *, project_id: int) -> None:
        self._execution = execution
        self._blobs = blobs
        self._limits = limits
        self._project_id = project_id
        self._arriving: ArrivingChunk | None = None
        self._writing: asyncio.Task[None] | None = None
        # What comes next to the client: a chunk, the error that ends the stream, or None at its end.
        self._outcomes = asyncio.Queue[_Finishing | Exception | None](limits.max_unacked_chunks)
        self._finishing: set[asyncio.Task[None]] = set()
        self._unacked_bytes = 0
        self._acknowledged = asyncio.Condition()

    async def receive(self, frames: AsyncIterator[Frame]) -> AsyncGenerator[Chunk, None]:
        """Yield each chunk when it is durable and held by the project, in the order of the stream.

        A wrong chunk ends the stream with its error, after the chunks before it are yielded. Whatever ends
        the stream, chunks that are whole still become durable, and of a partial one nothing stays.
        """
        pump = spawn(self._pump(frames))
        try:
            while (outcome := await self._outcomes.get()) is not None:
                if isinstance(outcome, Exception):
                    raise outcome
                await asyncio.shield(outcome.task)
                yield outcome.chunk
                async with self._acknowledged:
                    self._unacked_bytes -= outcome.chunk.size
                    self._acknowledged.notify()
        finally:
            pump.cancel()
            await uninterrupted(self._clean_up(pump))

    async def _pump(self, frames: AsyncIterator[Frame]) -> None:
        outcome = None
        try:
            await self._take(frames)
        except Exception as error:  # noqa: BLE001 - `receive` raises it, after the right chunks
            outcome = error
        await self._outcomes.put(outcome)

    async def _take(self, frames: AsyncIterator[Frame]) -> None:
        order = FrameOrder(self._limits)
        async for frame in frames:
            arriving = order.place(frame)
            if self._writing is not None:
                await asyncio.shield(self._writing)
            self._arriving = arriving
            self._writing = spawn(self._execution.io(partial(arriving.write, self._blobs, frame.data)))
            if arriving.is_whole:
                await self._finish(arriving, self._writing)
        order.end()

    async def _finish(self, arriving: ArrivingChunk, last_write: asyncio.Task[None]) -> None:
        """Let a whole chunk become durable beside the stream, as soon as there is room for one more."""
        chunk = arriving.chunk
        task = spawn(self._keep(arriving, last_write))
        self._arriving = None
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)
        async with self._acknowledged:
            await self._acknowledged.wait_for(lambda: self._has_room(chunk.size))
            self._unacked_bytes += chunk.size
        await self._outcomes.put(_Finishing(chunk, task))

    def _has_room(self, size: int) -> bool:
        return self._unacked_bytes + size <= max(size, self._limits.max_unacked_bytes)

    async def _keep(self, arriving: ArrivingChunk, last_write: asyncio.Task[None]) -> None:
        try:
            await last_write
            await self._execution.io(arriving.commit)
        except BaseException:
            await self._execution.io(arriving.discard)
            raise
        await self._execution.note(partial(self._note, arriving.chunk))

    def _note(self, chunk: Chunk, unit: UnitOfWork) -> None:
        unit.artifacts.add_chunks(self._project_id, [chunk], now=unit.now)

    async def _clean_up(self, pump: asyncio.Task[None]) -> None:
        await settled(pump)
        for task in (self._writing, *self._finishing):
            if task is not None:
                await settled(task)
        if self._arriving is not None:
            await self._execution.io(self._arriving.discard)
