"""The seam behind which bytes are kept.

A blob is named by its sha256, is written once and never changes. The stores are synchronous: they are called
on the I/O pool. Bytes are not trusted until their digest matches: a writer shows nothing before ``commit``,
and ``commit`` refuses bytes of another digest or size.

Every store raises the same errors: ``StorageFull`` when there is no room, ``StorageUnavailable`` when the
store does not answer or refuses, ``BytesDamaged`` when a blob that is asked for is gone, short or unreadable.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from muniment.digests import Digest

from muniment_artifact.limits import FRAME_BYTES

STORE_NAME = "artifacts"
"""How errors call the blob store; where it is stays with the server."""


class UnusableStore(ValueError):
    """The settings of a store cannot be right."""


@dataclass(frozen=True, slots=True)
class BlobStat:
    """What a store tells about a blob.

    Attributes:
        size: in bytes.
        modify_time: when it was last written, by the clock of the store.
    """

    digest: Digest
    size: int
    modify_time: datetime


class BlobWriter(Protocol):
    """Takes the bytes of one blob in order. Exactly one of ``commit`` and ``discard`` ends it."""

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes.

        Raises:
            SizeMismatch: if they are more than was declared.
        """

    def commit(self) -> None:
        """Make the blob durable and then visible. A failure leaves nothing visible and nothing over.

        Raises:
            SizeMismatch: if the bytes are fewer than was declared.
            DigestMismatch: if they have another digest.
        """

    def discard(self) -> None:
        """Forget the bytes. Does nothing after ``commit`` or ``discard``."""


class BlobStore(Protocol):
    """Keeps blobs."""

    def create(self, digest: Digest, size: int) -> BlobWriter:
        """Begin a blob. One that is there already is replaced by the same bytes, which also repairs it."""

    def read(
        self, digest: Digest, *, offset: int = 0, length: int | None = None, frame_bytes: int = FRAME_BYTES
    ) -> Generator[bytes, None, None]:
        """Yield a range in pieces of ``frame_bytes``, the last one perhaps shorter; one at a time is in
        memory.

        Args:
            digest: which blob.
            offset: first byte.
            length: how many bytes; None: to the end.
            frame_bytes: size of a piece.

        Raises:
            BytesDamaged: if the blob is gone or ends before the range does.
        """

    def stat(self, digest: Digest) -> BlobStat | None:
        """Size and time of a blob, or None when there is none."""

    def delete(self, digest: Digest) -> None:
        """Remove a blob; fine when there is none."""

    def list(self, prefix: str = "") -> Iterator[BlobStat]:
        """Blobs whose 64 hexadecimal digits begin with ``prefix``, in order."""

    def remove_leftovers(self) -> int:
        """Remove what writers that died left half done; how much that was."""

    def probe(self) -> None:
        """Try out writing, reading a range and removing, for start-up and health checks.

        Raises:
            StorageFull: if there is no room.
            StorageUnavailable: if anything else is amiss.
        """
