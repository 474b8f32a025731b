"""Sending chunks on one stream: frames in order, and never more bytes on the way than the server allows."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from muniment.errors import DigestMismatch, FileChanged, FrameOutOfOrder, MunimentError, SizeMismatch
from muniment.registry.session import Session
from muniment.transfer.hashing import Piece
from muniment.transfer.progress import Progress
from muniment.transfer.source import SourceFile
from muniment.transport.calls import Stream
from muniment.v1 import artifact_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class Shipment:
    """The chunks to send of one file."""

    source: SourceFile
    pieces: tuple[Piece, ...]


class ChunkSender:
    """Sends shipments and counts what became durable."""

    def __init__(
        self, session: Session, capabilities: pb.Capabilities, project: str, progress: Progress
    ) -> None:
        self._session = session
        self._project = project
        self._frame_bytes = capabilities.max_frame_bytes
        self._budget = capabilities.max_unacked_bytes
        self._progress = progress
        self._changed = threading.Condition()
        self._unacked = 0
        self._stopped = False
        self._failure: MunimentError | None = None
        self._stream: Stream[pb.PutChunksResponse] | None = None
        self.durable: set[str] = set()
        """Digests the server has acknowledged."""

    def send(self, shipments: Iterable[Shipment]) -> None:
        """Send all and wait until all are durable.

        Raises:
            FileChanged: if a file is not what it was when it was hashed.
            MunimentError: as the server or the connection says.
        """
        method = self._session.artifacts.PutChunks
        self._stream = stream = self._session.calls.stream(method, self._requests(shipments))
        try:
            for response in stream:
                with self._changed:
                    self._unacked -= response.size
                    self._changed.notify_all()
                self.durable.add(response.digest)
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
            with self._changed:
                self._stopped = True
                self._changed.notify_all()
            stream.cancel()
        if self._failure is not None:
            raise self._failure

    def _requests(self, shipments: Iterable[Shipment]) -> Iterator[pb.PutChunksRequest]:
        """What gRPC's own thread sends. An exception here would be lost there, so it is kept for :meth:`send`."""
        try:
            first = True
            for shipment in shipments:
                with shipment.source.opened() as descriptor:
                    for piece in shipment.pieces:
                        if not self._admitted(piece.size):
                            return
                        for request in self._frames(shipment.source, descriptor, piece):
                            if first:
                                request.parent = self._project
                                first = False
                            yield request
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

    def _frames(self, source: SourceFile, descriptor: int, piece: Piece) -> Iterator[pb.PutChunksRequest]:
        done = 0
        while done < piece.size:
            data = os.pread(descriptor, min(self._frame_bytes, piece.size - done), piece.offset + done)
            if not data:
                raise source.changed("became shorter")
            request = pb.PutChunksRequest(offset=done, data=data)
            if done == 0:
                request.digest, request.size = piece.digest, piece.size
            done += len(data)
            if self._stream is not None:
                self._stream.feed()
            yield request
