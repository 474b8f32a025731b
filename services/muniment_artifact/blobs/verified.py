"""Reading a whole blob so that damage is found before its last bytes leave."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from contextlib import closing

from muniment.digests import Digest
from muniment_core.domain.errors import BytesDamaged

from muniment_artifact.blobs.store import BlobStore
from muniment_artifact.limits import FRAME_BYTES


def read_verified(
    blobs: BlobStore, digest: Digest, size: int, *, frame_bytes: int = FRAME_BYTES
) -> Generator[bytes, None, None]:
    """Yield a blob in pieces, holding the last one back until the digest of all of them matches.

    Whoever receives ``size`` bytes has the right ones, without hashing again.

    Raises:
        BytesDamaged: if the blob is gone, is not ``size`` bytes long, or has another digest.
    """
    hasher = hashlib.sha256()
    count = 0
    last = b""
    with closing(blobs.read(digest, frame_bytes=frame_bytes)) as pieces:
        for piece in pieces:
            count += len(piece)
            if count > size:
                raise BytesDamaged(digest.text, f"it is longer than {size} bytes")
            hasher.update(piece)
            if last:
                yield last
            last = piece
    if count != size:
        raise BytesDamaged(digest.text, f"it has {count} bytes instead of {size}")
    actual = Digest.of_hash(hasher)
    if actual != digest:
        raise BytesDamaged(digest.text, f"its bytes have digest {actual}")
    yield last


def verify_blob(blobs: BlobStore, digest: Digest, size: int) -> None:
    """Read a blob and compare its digest.

    Raises:
        BytesDamaged: if it is gone or wrong.
    """
    for _ in read_verified(blobs, digest, size):
        pass
