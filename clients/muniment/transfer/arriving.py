"""Files that are being received: written wherever bytes belong, and hashed from the front as they fill up."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable

from muniment.cache.partial import Partial
from muniment.digests import Digest
from muniment.errors import DownloadRefused
from muniment.manifest import ListedFile

BUFFER_BYTES = 1024 * 1024


class ArrivingFile:
    """One file. Parts of it come in any order and from several threads, no part twice.

    Attributes:
        finished: whether all of it is there, right and durable.
    """

    def __init__(
        self,
        listed: ListedFile,
        partial: Partial,
        *,
        resumed: bool = False,
        durable: bool = True,
        arrived: Callable[[], None] = lambda: None,
    ) -> None:
        """Open nothing yet.

        Args:
            listed: what it has to be.
            partial: where it is written, and what of it has arrived is noted.
            resumed: whether some of it is there already.
            durable: whether it must be on the disk when it is finished.
            arrived: called when it is finished.
        """
        self.listed = listed
        self._partial = partial
        self._resumed = resumed
        self._durable = durable
        self._arrived = arrived
        self._lock = threading.Lock()
        self._hashing = threading.Lock()
        self._descriptor: int | None = None
        self._hash = hashlib.sha256()
        self._hashed = 0
        self.finished = False
        self._parts: dict[int, int] = {}

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Put bytes where they belong, and note it."""
        self.put(offset, data)
        self.note(offset, len(data))
        self._hash_at_front(offset, data)

    def note(self, offset: int, size: int) -> None:
        """Note what was put there, for whoever goes on after this process."""
        self._partial.note(offset, size)

    def put(self, offset: int, data: bytes | memoryview) -> None:
        """Put bytes where they may belong; what is not right is written over."""
        descriptor = self._opened()
        view = memoryview(data)
        while view:
            count = os.pwrite(descriptor, view, offset)
            view, offset = view[count:], offset + count

    def filled(self, offset: int, size: int) -> None:
        """Tell that a part is all there. With the last part the file is found right and made durable.

        Raises:
            DownloadRefused: if the file does not have its digest.
        """
        # What of it was hashed on its way is behind the front, which nobody else moves within this part.
        start, end = max(offset, self._hashed), offset + size
        if start < end:
            with self._lock:
                self._parts[start] = end - start
        # Whoever holds the lock looks again after each part, so that nobody needs to wait for it to hash for them.
        while self._hashing.acquire(blocking=False):
            try:
                self._hash_what_is_there()
                if self._hashed == self.listed.size and not self.finished:
                    self._finish()
            finally:
                self._hashing.release()
            with self._lock:
                if self._hashed not in self._parts:
                    return

    def close(self) -> None:
        """Let go of the file, wherever it stands."""
        self._partial.close()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def discard(self) -> None:
        """Remove what is there of a file that is not finished."""
        self.close()
        if not self.finished:
            self._partial.discard()

    def _hash_at_front(self, offset: int, data: bytes | memoryview) -> None:
        """Hash bytes that are next while they are in memory; others are read again when their turn comes."""
        if offset == self._hashed and self._hashing.acquire(blocking=False):
            try:
                # The front may have been moved here in between, never past here: this part is not all there yet.
                if offset == self._hashed:
                    self._hash.update(data)
                    self._hashed += len(data)
            finally:
                self._hashing.release()

    def _hash_what_is_there(self) -> None:
        buffer = memoryview(bytearray(min(BUFFER_BYTES, max(1, self.listed.size))))
        while True:
            with self._lock:
                size = self._parts.pop(self._hashed, None)
            if size is None:
                return
            end = self._hashed + size
            while self._hashed < end:
                # What was written a moment ago comes from memory.
                count = os.preadv(
                    self._opened(), [buffer[: min(len(buffer), end - self._hashed)]], self._hashed
                )
                if not count:
                    raise DownloadRefused(f"{self.listed.path} became shorter while it was received")
                self._hash.update(buffer[:count])
                self._hashed += count

    def _finish(self) -> None:
        actual = Digest.of_hash(self._hash).text
        descriptor = self._opened()
        if actual != self.listed.digest:
            self.discard()
            raise DownloadRefused(
                f"{self.listed.path} has digest {actual}, while its manifest says {self.listed.digest}"
            )
        if self._durable:
            os.fsync(descriptor)
        self.finished = True
        self.close()
        self._arrived()

    def _opened(self) -> int:
        with self._lock:
            if self._descriptor is None:
                flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
                # Whoever holds the lock of the digest has looked at what was there: nothing, or what goes on.
                new = 0 if self._resumed else os.O_CREAT | os.O_EXCL
                self._descriptor = os.open(self._partial.path, flags | new, 0o666)
                # Who goes on knows it by its size. Room is not taken here, which has a file in memory wait for as
                # long as a tenth of its transfer; whether there is any was looked at before.
                os.ftruncate(self._descriptor, self.listed.size)
            return self._descriptor
