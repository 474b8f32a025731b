"""Sending chunks on one stream: frames in order, and never more bytes on the way than allowed."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

from muniment.errors import (
    DeadlineExceeded,
    DigestMismatch,
    FileChanged,
    FrameOutOfOrder,
    Internal,
    MunimentError,
    SizeMismatch,
)
from muniment.frames import PutFrame
from muniment.registry.session import Session
from muniment.transfer.outbox import Feed, Outbox
from muniment.transfer.pace import allowance
from muniment.transfer.pieces import Load, Piece
from muniment.transfer.progress import Progress
from muniment.transfer.source import SourceFile
from muniment.transport.calls import Stream
from muniment.transport.data import DataStub, OpenStub
from muniment.v1 import artifact_service_pb2 as pb

IDLE_SECONDS = 1.0
"""A stream for which nothing more is found in so long is ended: either end gives up one that stands still, and
files may come from a slow disk."""


class ChunkSender:
    """One stream of chunks after the other, as there are any to send."""

    def __init__(
        self,
        session: Session,
        open_stub: OpenStub,
        capabilities: pb.Capabilities,
        project: str,
        outbox: Outbox,
        progress: Progress,
    ) -> None:
        self._session = session
        self._open_stub = open_stub
        self._stub: DataStub | None = None
        self._project = project
        self._outbox = outbox
        self._frame_bytes = capabilities.max_frame_bytes
        self._budget = capabilities.max_unacked_bytes
        self._buffer = memoryview(bytearray(capabilities.max_frame_bytes))
        self._progress = progress
        self._changed = threading.Condition()
        self._unacked = 0
        # Chunks on their way, in order: the size of each, and until when it should be durable.
        self._awaited: dict[str, tuple[int, float]] = {}
        self._stopped = False
        self._failure: MunimentError | None = None
        self._stream: Stream[pb.PutChunksResponse] | None = None
        self._feed: Feed | None = None
        self._finished = False

    def run(self) -> None:
        """Send until there is nothing more, and wait until all that was sent here is durable.

        Raises:
            FileChanged: if a file is not what it was when it was hashed.
            MunimentError: as the server or the connection says.
        """
        while self._outbox.has_work(self._feed):
            self._send()

    def _send(self) -> None:
        self._unacked, self._finished = 0, False
        self._awaited.clear()
        self._stub = self._stub or self._open_stub()
        self._stream = stream = self._session.calls.stream(self._stub.put, self._requests())
        try:
            if self._stopped:
                stream.cancel()
            for response in stream:
                size = self._arrived(response.digest)
                self._outbox.acknowledged(response.digest)
                self._progress(size)
        except (DigestMismatch, SizeMismatch, FrameOutOfOrder) as error:
            if self._failure is not None:
                raise self._failure from error
            # The digest was taken from this very file a moment ago.
            raise FileChanged(f"a file changed while it was pushed: {error.message}") from error
        except MunimentError as error:
            if self._failure is not None:
                raise self._failure from error
            raise
        finally:
            stream.cancel()
            if not self._finished:
                self.stop()
        if self._failure is not None:
            raise self._failure
        if not self._finished:
            raise Internal("the registry ended a stream of chunks before all were sent")
        if self._awaited:
            raise Internal("the registry ended a stream of chunks before all were acknowledged")

    def stop(self) -> None:
        """End the stream; from any thread. What was acknowledged is kept."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._stream is not None:
            self._stream.cancel()

    def _requests(self) -> Iterator[PutFrame]:
        """What gRPC's own thread sends. An exception here would be lost there, so it is kept for :meth:`run`."""
        try:
            # A stream for which nothing is left still says for which project it is.
            yield PutFrame(parent=self._project)
            while (feed := self._feed or self._outbox.next_feed(IDLE_SECONDS)) is not None:
                self._feed = feed
                with ExitStack() as opened:
                    descriptor: int | None = None
                    while (load := self._outbox.next_load(feed, IDLE_SECONDS)) is not None:
                        with load:
                            if not self._admitted(load.piece):
                                return
                            if load.region is None and descriptor is None:
                                descriptor = opened.enter_context(feed.source.opened())
                            yield from self._frames(feed.source, load, descriptor)
                # More may have come between the last look and the file's end.
                if not feed.complete or feed.loads:
                    break
                self._feed = None
            self._finished = True
        except MunimentError as error:
            self._failure = error
            if self._stream is not None:
                self._stream.cancel()

    def _admitted(self, piece: Piece) -> bool:
        """Wait until the chunk fits into the budget; one that is larger than it goes alone."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or not self._unacked or self._unacked + piece.size <= self._budget
            )
            self._unacked += piece.size
            # What was sent before it becomes durable before it.
            self._awaited[piece.digest] = piece.size, time.monotonic() + allowance(self._unacked)
            return not self._stopped

    def _arrived(self, digest: str) -> int:
        """The size of a chunk that became durable."""
        with self._changed:
            size, _ = self._awaited.pop(digest, (0, 0.0))
            if not size:
                raise Internal(f"the registry acknowledged chunk {digest[:100]}, which was not on its way")
            self._unacked -= size
            self._changed.notify_all()
        self._check_pace()
        return size

    def _check_pace(self) -> None:
        """See whether the chunk that was sent first should be durable by now.

        Raises:
            DeadlineExceeded: if it should.
        """
        with self._changed:
            digest, (size, until) = next(iter(self._awaited.items()), ("", (0, math.inf)))
        if time.monotonic() > until:
            raise DeadlineExceeded(f"chunk {digest} of {size} bytes was not acknowledged in its time")

    def _frames(self, source: SourceFile, load: Load, descriptor: int | None) -> Iterator[PutFrame]:
        """The frames of a chunk. Each is copied into its message before the next one is asked for."""
        piece, held, done = load.piece, load.data, 0
        while done < piece.size:
            size = min(self._frame_bytes, piece.size - done)
            data = (
                held[done : done + size]
                if held is not None
                else self._read(source, descriptor, piece.offset + done, size)
            )
            self._check_pace()
            if self._stream is not None:
                self._stream.feed()
            if done:
                yield PutFrame(offset=done, data=data)
            else:
                yield PutFrame("", piece.digest, piece.size, 0, data, piece.offset, source.size)
            done += len(data)

    def _read(self, source: SourceFile, descriptor: int | None, offset: int, size: int) -> memoryview:
        """Bytes of a file that are not in memory any more."""
        assert descriptor is not None
        room = self._buffer[:size]
        count = os.preadv(descriptor, [room], offset)
        if not count:
            raise source.changed("became shorter")
        return room[:count]
