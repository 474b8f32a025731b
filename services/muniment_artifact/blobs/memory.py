"""Blobs in memory, for tests."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import UTC, datetime

from muniment.digests import Digest
from muniment_core.domain.errors import BytesDamaged

from muniment_artifact.blobs.expected import ExpectedBytes
from muniment_artifact.blobs.store import BlobStat
from muniment_artifact.limits import FRAME_BYTES


class MemoryBlobStore:
    """Keeps blobs in a dictionary. ``blobs`` and ``open_writers`` are there for tests to look at."""

    def __init__(self) -> None:
        self.blobs: dict[Digest, bytes] = {}
        self.open_writers: set[MemoryBlobWriter] = set()
        self._times: dict[Digest, datetime] = {}

    def create(self, digest: Digest, size: int) -> MemoryBlobWriter:
        """Begin a blob."""
        writer = MemoryBlobWriter(self, ExpectedBytes(digest, size))
        self.open_writers.add(writer)
        return writer

    def keep(self, digest: Digest, data: bytes) -> None:
        """Put bytes under a digest, unchecked: for writers that have checked, and tests that damage."""
        self._times[digest] = datetime.now(UTC)
        self.blobs[digest] = data

    def read(
        self, digest: Digest, *, offset: int = 0, length: int | None = None, frame_bytes: int = FRAME_BYTES
    ) -> Generator[bytes, None, None]:
        """Yield a range."""
        data = self.blobs.get(digest)
        if data is None:
            raise BytesDamaged(digest.text, "the store does not have them")
        end = len(data) if length is None else offset + length
        for start in range(offset, end, frame_bytes):
            piece = data[start : min(start + frame_bytes, end)]
            if len(piece) < min(frame_bytes, end - start):
                raise BytesDamaged(digest.text, f"they end at byte {len(data)}, before byte {end}")
            yield piece

    def stat(self, digest: Digest) -> BlobStat | None:
        """Size and time of a blob, or None."""
        data = self.blobs.get(digest)
        return None if data is None else BlobStat(digest, len(data), self._times[digest])

    def delete(self, digest: Digest) -> None:
        """Remove a blob."""
        self.blobs.pop(digest, None)

    def list(self, prefix: str = "") -> Iterator[BlobStat]:
        """Blobs by beginning of their digits, in order."""
        for digest in sorted(self.blobs):
            if digest.hex.startswith(prefix):
                yield BlobStat(digest, len(self.blobs[digest]), self._times[digest])

    def remove_leftovers(self) -> int:
        """Writers in memory leave nothing."""
        return 0

    def probe(self) -> None:
        """Memory is there."""


class MemoryBlobWriter:
    """Collects the bytes of one blob."""

    def __init__(self, store: MemoryBlobStore, expected: ExpectedBytes) -> None:
        self._store = store
        self._expected = expected
        self._data = bytearray()

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        self._expected.add(data)
        self._data += data

    def commit(self) -> None:
        """Check and publish."""
        try:
            self._expected.check()
            self._store.keep(self._expected.digest, bytes(self._data))
        finally:
            self.discard()

    def discard(self) -> None:
        """Forget the bytes."""
        self._data.clear()
        self._store.open_writers.discard(self)
