"""Small blobs at once: those that fit in memory because the server made them itself."""

from __future__ import annotations

from muniment.digests import Digest

from muniment_artifact.blobs.store import BlobStore
from muniment_artifact.blobs.verified import read_verified


def put_blob(blobs: BlobStore, data: bytes) -> Digest:
    """Store bytes and return their digest, when they are durable."""
    digest = Digest.of(data)
    writer = blobs.create(digest, len(data))
    try:
        writer.write(data)
        writer.commit()
    finally:
        writer.discard()
    return digest


def get_blob(blobs: BlobStore, digest: Digest, size: int) -> bytes:
    """Read a blob whole.

    Raises:
        BytesDamaged: if it is gone or no longer has its digest.
    """
    return b"".join(read_verified(blobs, digest, size))
