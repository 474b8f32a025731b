"""Copying a blob from one store to another."""

from __future__ import annotations

from contextlib import closing

from muniment.digests import Digest
from muniment_core.domain.errors import BytesDamaged, DigestMismatch, SizeMismatch

from muniment_artifact.blobs.store import BlobStore


def copy_blob(source: BlobStore, target: BlobStore, digest: Digest, size: int) -> None:
    """Copy a blob; when this returns, the target has it whole, durable and right.

    Raises:
        BytesDamaged: if the source has it no more, or wrong; the target is as it was then.
        StorageFull, StorageUnavailable: as the stores say.
    """
    writer = target.create(digest, size)
    try:
        with closing(source.read(digest)) as pieces:
            for piece in pieces:
                writer.write(piece)
        writer.commit()
    except (DigestMismatch, SizeMismatch) as error:
        raise BytesDamaged(digest.text, error.message) from error
    finally:
        writer.discard()
