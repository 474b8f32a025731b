"""Sending chunks on several streams: on each frames in order, and never more bytes on the way than allowed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from muniment.errors import DigestMismatch, FileChanged, FrameOutOfOrder, MunimentError, SizeMismatch
from muniment.frames import PutFrame
from muniment.registry.session import Session
from muniment.transfer.hashing import Piece
from muniment.transfer.progress import Progress
from muniment.transfer.source import SourceFile
from muniment.transport.calls import Stream
from muniment.transport.data import DataStub, lanes
from muniment.v1 import artifact_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class Shipment:
    """The chunks to send of one file."""

    source: SourceFile
    pieces: tuple[Piece, ...]


class Outbox:
    """Shipments that wait to be sent, and what became durable; shared by the streams of a push."""

    def __init__(self, shipments: Iterable[Shipment]) -> None:
        self._shipments = iter(shipments)
        self._lock = threading.Lock()
        self._durable = 0
        self.failure: BaseException | None = None

    def next(self) -> Shipment | None:
        """The next one, or None when there is none or a stream has failed."""
        with self._lock:
            return None if self.failure is not None else next(self._shipments, None)

    def fail(self, failure: BaseException) -> None:
        """Let nothing more be sent; the first failure is what becomes of the push."""
        with self._lock:
            self.failure = self.failure or failure

    def acknowledged(self) -> None:
        """One more chunk is durable."""
        with self._lock:
            self._durable += 1

    @property
    def durable(self) -> int:
        """How many chunks the server has acknowledged."""
        return self._durable


def send_all(
    session: Session,
    capabilities: pb.Capabilities,
    project: str,
    outbox: Outbox,
    *,
    total: int,
    progress: Progress,
) -> None:
    """Send all shipments, ``total`` bytes, and wait until all are durable.

    Raises:
        FileChanged: if a file is not what it was when it was hashed.
        MunimentError: as the server or the connection says.
    """
    with lanes(session, total) as stubs:
        senders = [ChunkSender(session, stub, capabilities, project, outbox, progress) for stub in stubs]

        def send(sender: ChunkSender) -> None:
            try:
                sender.send()
            except BaseException as error:
                outbox.fail(error)
                for other in senders:
                    other.stop()
                if not isinstance(error, MunimentError):
                    raise

        threads = [
            threading.Thread(target=send, args=(sender,), name="muniment-push", daemon=True)
            for sender in senders[1:]
        ]
        for thread in threads:
            thread.start()
        try:
            # The first stream is this thread's, so that a signal interrupts it.
            send(senders[0])
            for thread in threads:
                thread.join()
        except BaseException as error:
            outbox.fail(error)
            raise
        finally:
            if outbox.failure is not None:
                for sender in senders:
                    sender.stop()
            for thread in threads:
                thread.join()
    if outbox.failure is not None:
        raise outbox.failure


class ChunkSender:
    """One stream of chunks."""

    def __init__(
        self,
        session: Session,
        stub: DataStub,
        capabilities: pb.Capabilities,
        project: str,
        outbox: Outbox,
        progress: Progress,
    ) -> None:
        self._session = session
        self._stub = stub
        self._project = project
        self._outbox = outbox
        self._frame_bytes = capabilities.max_frame_bytes
        self._budget = capabilities.max_unacked_bytes
        self._progress = progress
        self._changed = threading.Condition()
        self._unacked = 0
        self._stopped = False
        self._failure: MunimentError | None = None
        self._stream: Stream[pb.PutChunksResponse] | None = None

    def send(self) -> None:
        """Send shipments until there are no more, and wait until all sent here are durable."""
        self._stream = stream = self._session.calls.stream(self._stub.put, self._requests())
        try:
            if self._stopped:
                stream.cancel()
            for response in stream:
                with self._changed:
                    self._unacked -= response.size
                    self._changed.notify_all()
                self._outbox.acknowledged()
                self._progress(response.size)
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
            self.stop()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End the stream; from any thread. What was acknowledged is kept."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._stream is not None:
            self._stream.cancel()

    def _requests(self) -> Iterator[PutFrame]:
        """What gRPC's own thread sends. An exception here would be lost there, so it is kept for :meth:`send`."""
        try:
            # A stream for which nothing is left still says for which project it is.
            yield PutFrame(parent=self._project)
            while (shipment := self._outbox.next()) is not None:
                with shipment.source.opened() as descriptor:
                    for piece in shipment.pieces:
                        if not self._admitted(piece.size):
                            return
                        yield from self._frames(shipment.source, descriptor, piece)
        except MunimentError as error:
            self._failure = error
            if self._stream is not None:
                self._stream.cancel()

    def _admitted(self, size: int) -> bool:
        """Wait until the chunk fits into the budget; one that is larger than it goes alone."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or not self._unacked or self._unacked + size <= self._budget
            )
            self._unacked += size
            return not self._stopped

    def _frames(self, source: SourceFile, descriptor: int, piece: Piece) -> Iterator[PutFrame]:
        done = 0
        while done < piece.size:
            data = os.pread(descriptor, min(self._frame_bytes, piece.size - done), piece.offset + done)
            if not data:
                raise source.changed("became shorter")
            if self._stream is not None:
                self._stream.feed()
            first = done == 0
            yield PutFrame("", piece.digest if first else "", piece.size if first else 0, done, data)
            done += len(data)
