"""Taking chunks from a stream: verify, make durable, note that the project holds them, acknowledge; in that
order.

A stream holds a few frames in memory, see ``FRAMES_BYTES``, beside the one that is being received. Each chunk is
hashed, written and made durable on the I/O pool beside the stream, so that the next ones arrive meanwhile; those
that became durable together are noted together. Beyond a bound of unacknowledged bytes the stream is not read, and
the client is slowed down by the flow control of its connection.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, takewhile

from muniment_core.db.artifact_store import Chunk, FileProof
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.rpc.execution import Execution

from muniment_artifact.bell import Bell
from muniment_artifact.blobs import BlobStore
from muniment_artifact.collection.claims import note_stored
from muniment_artifact.intake import ArrivingChunk, Frame, FrameOrder
from muniment_artifact.limits import MIB, Limits
from muniment_artifact.passing import PassingFile, PassingFiles
from muniment_artifact.pool import InOrder, settled, spawn, uninterrupted
from muniment_artifact.room import Room

FRAMES_BYTES = 4 * MIB
"""Frames of one stream that wait for the disk or for being hashed."""
GATHERED_CHUNKS = 8
GATHER_SECONDS = 0.02
"""How many chunks are noted together, and how long one waits for each of them: each note is a transaction, and
acknowledgements are not urgent while chunks keep becoming durable."""
SMALLEST_FRAME_BYTES = MIB // 16
"""What a frame counts for at least: a million of one byte would take a gigabyte."""


@dataclass(frozen=True, slots=True)
class Intake:
    """Where chunks go.

    Attributes:
        epoch: of collection, when the stream began.
    """

    project_id: int
    epoch: int


def find_intake(reader: Reader, *, project: str) -> Intake:
    """Where the chunks of a stream go.

    Raises:
        ProjectNotFound: if there is no such project.
    """
    return Intake(reader.projects.require(project).id, reader.collection.epoch())


@dataclass(slots=True, eq=False)
class _Whole:
    """A chunk all of whose frames have come.

    Attributes:
        epoch: of collection, from before the chunk became durable.
        passed: the file that ends with it, if that passed by in order.
        pending: what is still to be done: to make it durable, and to hash that file to its end.
        failure: what keeps it from being durable.
    """

    chunk: Chunk
    epoch: int
    passed: PassingFile | None
    pending: int
    failure: Exception | None = None

    @property
    def is_durable(self) -> bool:
        return not self.pending and self.failure is None


class ChunkStream:
    """One stream of chunks into a project."""

    def __init__(self, execution: Execution, blobs: BlobStore, limits: Limits, *, into: Intake) -> None:
        self._execution = execution
        self._blobs = blobs
        self._limits = limits
        self._into = into
        self._epoch = into.epoch
        self._room = Room(FRAMES_BYTES)
        self._files = PassingFiles()
        self._hashing = InOrder(execution)
        # The chunk of which some frames have come, its file if that passes by in order, and what is done with it.
        self._arriving: ArrivingChunk | None = None
        self._passing: PassingFile | None = None
        self._work = InOrder(execution)
        # Chunks that are whole and not acknowledged yet, in order.
        self._unacked = deque[_Whole]()
        self._unacked_bytes = 0
        # How many of them something is still to be done for, and how often that changed.
        self._unsettled = 0
        self._settlings = 0
        self._ended = False
        self._failure: Exception | None = None
        self._bell = Bell()

    async def receive(self, frames: AsyncIterator[Frame]) -> AsyncGenerator[Chunk, None]:
        """Yield each chunk when it is durable and held by the project, in the order of the stream.

        A wrong chunk ends the stream with its error, after the chunks before it are yielded. Whatever ends
        the stream, chunks that are whole still become durable, and of a partial one nothing stays.
        """
        pump = spawn(self._pump(frames))
        try:
            while durable := await self._next_durable():
                await self._note(durable)
                for whole in durable:
                    yield whole.chunk
                    self._unacked.popleft()
                    self._unacked_bytes -= whole.chunk.size
                    self._bell.ring()
            if self._failure is not None:
                raise self._failure
        finally:
            pump.cancel()
            await uninterrupted(self._clean_up(pump))

    async def _pump(self, frames: AsyncIterator[Frame]) -> None:
        try:
            await self._take(frames)
        except Exception as error:  # noqa: BLE001 - `receive` raises it, after the right chunks
            self._failure = error
        self._ended = True
        self._bell.ring()

    async def _take(self, frames: AsyncIterator[Frame]) -> None:
        order = FrameOrder(self._limits)
        async for frame in frames:
            arriving = order.place(frame)
            if self._arriving is None:
                self._arriving, self._work = arriving, InOrder(self._execution)
                self._passing = self._files.place(arriving)
            size = max(len(frame.data), SMALLEST_FRAME_BYTES)
            give_back = await self._room.take(size, users=1 if self._passing is None else 2)
            self._work.add(partial(arriving.write, self._blobs, frame.data), give_back, size=size)
            if self._passing is not None:
                self._hashing.add(partial(self._passing.add, frame.data), give_back, size=size)
            if arriving.is_whole:
                await self._finish(arriving)
        order.end()

    async def _finish(self, arriving: ArrivingChunk) -> None:
        """Let a whole chunk become durable beside the stream, and wait until there is room for one more."""
        passed = self._passing if self._passing is not None and self._passing.is_whole else None
        # An older epoch than that in which the chunk becomes durable is on the safe side.
        whole = _Whole(arriving.chunk, self._epoch, passed, pending=1 if passed is None else 2)
        self._unacked.append(whole)
        self._unacked_bytes += arriving.chunk.size
        self._unsettled += 1
        self._work.add(arriving.commit, partial(self._committed, whole, arriving, self._work))
        if passed is not None:
            self._hashing.add(lambda: None, partial(self._hashed, whole))
        self._arriving = None
        await self._bell.heard(self._has_room)

    def _has_room(self) -> bool:
        """Whether a further chunk may come; however large chunks are, two may be on their way."""
        return len(self._unacked) < 2 or (
            len(self._unacked) <= self._limits.max_unacked_chunks
            and self._unacked_bytes <= self._limits.max_unacked_bytes
        )

    def _committed(self, whole: _Whole, arriving: ArrivingChunk, work: InOrder) -> None:
        whole.failure = work.failure
        if whole.failure is None:
            self._settle(whole)
        else:
            spawn(self._discard(whole, arriving))

    async def _discard(self, whole: _Whole, arriving: ArrivingChunk) -> None:
        try:
            await self._execution.io(arriving.discard)
        finally:
            self._settle(whole)

    def _hashed(self, whole: _Whole) -> None:
        if self._hashing.failure is not None:
            whole.passed = None
        self._settle(whole)

    def _settle(self, whole: _Whole) -> None:
        whole.pending -= 1
        if not whole.pending:
            self._unsettled -= 1
            self._settlings += 1
            self._bell.ring()

    async def _next_durable(self) -> list[_Whole]:
        """The next chunk, and those after it that are durable soon; none at the end.

        Raises:
            Exception: what keeps the next chunk from being durable.
        """
        await self._bell.heard(lambda: not self._unacked[0].pending if self._unacked else self._ended)
        if not self._unacked:
            return []
        if (failure := self._unacked[0].failure) is not None:
            raise failure
        while not self._has_gathered():
            known = self._settlings
            if not await self._bell.heard(partial(self._goes_on, known), seconds=GATHER_SECONDS):
                break
        return list(takewhile(lambda whole: whole.is_durable, self._unacked))

    def _goes_on(self, known: int) -> bool:
        return self._settlings != known or self._has_gathered()

    def _has_gathered(self) -> bool:
        """Whether enough is durable to be noted, or nothing can follow before it is."""
        if not self._unsettled and (self._ended or not self._has_room()):
            return True
        first = list(islice(self._unacked, GATHERED_CHUNKS))
        return len(first) == GATHERED_CHUNKS and all(whole.is_durable for whole in first)

    async def _note(self, durable: Sequence[_Whole]) -> None:
        """Note chunks together: the next ones become durable meanwhile."""
        await self._held(durable, [whole.passed.proof() for whole in durable if whole.passed is not None])

    async def _held(self, durable: Sequence[_Whole], proofs: Sequence[FileProof]) -> None:
        chunks = [whole.chunk for whole in durable]
        self._epoch = await note_stored(
            self._execution,
            self._blobs,
            [chunk.digest for chunk in chunks],
            partial(self._hold, chunks, proofs),
            epoch=min(whole.epoch for whole in durable),
        )

    def _hold(
        self, chunks: Sequence[Chunk], proofs: Sequence[FileProof], unit: UnitOfWork, epoch: int
    ) -> None:
        unit.artifacts.add_chunks(self._into.project_id, chunks, now=unit.now, epoch=epoch)
        unit.artifacts.add_proofs(self._into.project_id, proofs, now=unit.now)

    async def _clean_up(self, pump: asyncio.Task[None]) -> None:
        await settled(pump)
        if self._arriving is not None:
            await settled(spawn(self._work.end()))
            await self._execution.io(self._arriving.discard)
        await self._bell.heard(lambda: not self._unsettled)
        # Not together with the proofs: a file that ends with one of them may have a wrong chunk before it.
        durable = [whole for whole in self._unacked if whole.is_durable]
        if durable:
            await settled(spawn(self._held(durable, ())))
