"""Files that pass by: those whose chunks all come in order on one stream are hashed on the way.

So their digest is known without reading them back, which on a store in the network would cost as much again as
sending them did. Nothing is believed here: what is found out is that these chunks, put together, have that digest,
and whether that is what a commit claims is looked up then.
"""

from __future__ import annotations

import hashlib

from muniment.digests import Digest
from muniment_core.db.artifact_store import Chunk, FileProof

from muniment_artifact.intake import ArrivingChunk
from muniment_artifact.manifest import listed


class PassingFile:
    """A file of which every chunk so far has come."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._position = 0
        self._bytes = hashlib.sha256()
        self._chunks = hashlib.sha256()

    @property
    def is_whole(self) -> bool:
        """Whether its last chunk was begun."""
        return self._position == self._size

    def continues_with(self, arriving: ArrivingChunk) -> bool:
        """Whether a chunk is the next one of this file."""
        return (arriving.file_size, arriving.file_offset) == (self._size, self._position)

    def begin(self, chunk: Chunk) -> None:
        """Its next chunk."""
        self._position += chunk.size
        self._chunks.update(listed(chunk))

    def add(self, data: bytes | memoryview) -> None:
        """The next bytes of the chunk that was begun; runs on the I/O pool, in the order of the frames."""
        self._bytes.update(data)

    def proof(self) -> FileProof:
        """What the file was found to be. Holds if each of its chunks was found to have its digest."""
        return FileProof(Digest.of_hash(self._bytes), Digest.of_hash(self._chunks))


class PassingFiles:
    """Says to which passing file each chunk of a stream belongs."""

    def __init__(self) -> None:
        self._current: PassingFile | None = None

    def place(self, arriving: ArrivingChunk) -> PassingFile | None:
        """The file of the next chunk; None if it is not told, has a gap, or is that chunk alone."""
        if self._current is None or not self._current.continues_with(arriving):
            begins = arriving.file_offset == 0 and arriving.chunk.size < arriving.file_size
            self._current = PassingFile(arriving.file_size) if begins else None
        current = self._current
        if current is not None:
            current.begin(arriving.chunk)
            if current.is_whole:
                self._current = None
        return current
