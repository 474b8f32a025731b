"""The order of frames on a stream of chunks, and one chunk on its way into the blob store."""

from __future__ import annotations

from dataclasses import dataclass

from muniment.digests import Digest
from muniment_core.db.artifact_store import Chunk
from muniment_core.domain.errors import FrameOutOfOrder, InvalidField, LimitExceeded, SizeMismatch

from muniment_artifact.blobs import BlobStore, BlobWriter
from muniment_artifact.limits import Limits
from muniment_artifact.tiling import check_chunk


@dataclass(frozen=True, slots=True)
class Frame:
    """A piece of a chunk.

    Attributes:
        digest: of the chunk; None where the frame leaves it out.
        size: of the chunk in bytes; 0 where the frame leaves it out.
        offset: of ``data`` in the chunk.
        file_offset: of the chunk in its file; only the first frame of a chunk tells it.
        file_size: of that file in bytes; 0 where the frame tells of no file.
    """

    digest: Digest | None
    size: int
    offset: int
    data: bytes | memoryview
    file_offset: int = 0
    file_size: int = 0


@dataclass(slots=True)
class ArrivingChunk:
    """A chunk of which some frames have come.

    Attributes:
        file_offset: where it lies in its file.
        file_size: of that file; 0 if none was told.
        position: where its next frame begins.
        writer: set when the first frame is written.
    """

    chunk: Chunk
    file_offset: int = 0
    file_size: int = 0
    position: int = 0
    writer: BlobWriter | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all frames have come."""
        return self.position == self.chunk.size

    def write(self, blobs: BlobStore, data: bytes | memoryview) -> None:
        """Hand the data of the next frame to the store; runs on the I/O pool."""
        if self.writer is None:
            self.writer = blobs.create(self.chunk.digest, self.chunk.size)
        self.writer.write(data)

    def commit(self) -> None:
        """Verify the chunk and make it durable; runs on the I/O pool."""
        if self.writer is not None:
            self.writer.commit()

    def discard(self) -> None:
        """Forget what was written; runs on the I/O pool. Does nothing after ``commit``."""
        if self.writer is not None:
            self.writer.discard()


class FrameOrder:
    """Says to which chunk each frame of a stream belongs. Touches no bytes."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._current: ArrivingChunk | None = None

    def place(self, frame: Frame) -> ArrivingChunk:
        """Take the next frame and return its chunk, which is moved on past it.

        Raises:
            InvalidField: if the first frame of a chunk lacks digest or size, a frame has no data, or a chunk is
                said to lie outside of its file.
            LimitExceeded: if chunk or frame are too large.
            FrameOutOfOrder: if the frame does not continue its chunk, or begins another one too early.
            SizeMismatch: if it goes past the end, or tells another size than the first one.
        """
        if not len(frame.data):
            raise InvalidField("data", "is empty")
        if len(frame.data) > self._limits.max_frame_bytes:
            raise LimitExceeded("data", self._limits.max_frame_bytes, len(frame.data))
        current = self._current or self._begin(frame)
        chunk = current.chunk
        if frame.offset != current.position or frame.digest not in (None, chunk.digest):
            raise FrameOutOfOrder(expected=current.position, actual=frame.offset)
        if frame.size not in (0, chunk.size):
            raise SizeMismatch(f"chunk {chunk.digest}", declared=chunk.size, actual=frame.size)
        if frame.offset + len(frame.data) > chunk.size:
            end = frame.offset + len(frame.data)
            raise SizeMismatch(f"chunk {chunk.digest}", declared=chunk.size, actual=end)
        current.position += len(frame.data)
        self._current = None if current.is_whole else current
        return current

    def end(self) -> None:
        """The stream has ended.

        Raises:
            FrameOutOfOrder: if it ended inside a chunk; names the end of the chunk and that of the stream.
        """
        if self._current is not None:
            raise FrameOutOfOrder(expected=self._current.position, actual=self._current.chunk.size)

    def _begin(self, frame: Frame) -> ArrivingChunk:
        if frame.digest is None:
            raise InvalidField("digest", "is required on the first frame of a chunk")
        chunk = Chunk(frame.digest, frame.size)
        check_chunk("size", chunk, self._limits)
        if frame.file_size and not 0 <= frame.file_offset <= frame.file_size - chunk.size:
            raise InvalidField("file_offset", f"is {frame.file_offset}, where the chunk leaves its file")
        return ArrivingChunk(chunk, frame.file_offset, frame.file_size)
