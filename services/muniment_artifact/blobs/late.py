"""A store that is opened when it is first asked: one that cannot be right now keeps nobody from starting."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

from muniment.digests import Digest

from muniment_artifact.blobs.store import BlobStat, BlobStore, BlobWriter
from muniment_artifact.limits import FRAME_BYTES


class LateStore:
    """Answers as the store does, and tries to open it whenever it is asked and is not open yet."""

    def __init__(self, open_store: Callable[[], BlobStore]) -> None:
        """
        Args:
            open_store: opens it; what it raises is raised by whoever asked. Two that ask first may both open it.
        """
        self._open = open_store
        self._opened: BlobStore | None = None

    @property
    def _store(self) -> BlobStore:
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def create(self, digest: Digest, size: int) -> BlobWriter:
        """Begin a blob."""
        return self._store.create(digest, size)

    def read(
        self, digest: Digest, *, offset: int = 0, length: int | None = None, frame_bytes: int = FRAME_BYTES
    ) -> Generator[bytes, None, None]:
        """Yield a range."""
        return self._store.read(digest, offset=offset, length=length, frame_bytes=frame_bytes)

    def stat(self, digest: Digest) -> BlobStat | None:
        """Size and time of a blob."""
        return self._store.stat(digest)

    def delete(self, digest: Digest) -> None:
        """Remove a blob."""
        self._store.delete(digest)

    def list(self, prefix: str = "") -> Iterator[BlobStat]:
        """Blobs in order."""
        return self._store.list(prefix)

    def remove_leftovers(self) -> int:
        """Remove what writers that died left half done."""
        return self._store.remove_leftovers()

    def probe(self) -> None:
        """Try out writing, reading and removing."""
        self._store.probe()
