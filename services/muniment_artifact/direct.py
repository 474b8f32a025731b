"""Addresses at which a client gets chunks from the store itself.

An address is of one chunk of a manifest the caller may read, and lasts minutes. It says nothing about others: keys
are digests, and signatures cover the whole of an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from muniment.digests import Digest
from muniment_core.domain.errors import InvalidField, LimitExceeded
from muniment_core.rpc.execution import Execution

from muniment_artifact.blobs import BlobStore
from muniment_artifact.chunk_maps import ChunkMaps
from muniment_artifact.manifest import FileEntry, distinct_chunks
from muniment_artifact.read import get_readable_files

LIFETIME = timedelta(minutes=15)
MAX_ADDRESSES = 1_000


class Addresses(Protocol):
    """A store that lets others read from it."""

    def read_address(self, digest: Digest, *, lifetime: timedelta) -> str:
        """Where whoever has this address gets the blob, for some time. Asks nobody."""


@dataclass(frozen=True, slots=True)
class DirectRead:
    """An address of a chunk."""

    chunk: Digest
    size: int
    url: str


async def direct_reads(
    execution: Execution,
    blobs: BlobStore,
    addresses: Addresses | None,
    kept: ChunkMaps,
    *,
    project: str,
    digest: Digest,
    chunks: Sequence[Digest],
) -> tuple[list[DirectRead], datetime]:
    """Addresses of chunks of a manifest, and until when they last; none where the store gives none.

    Raises:
        ProjectNotFound, ManifestNotFound: if the project holds no such manifest.
        InvalidField: if there are no chunks, or one is not of the manifest.
        LimitExceeded: if there are too many.
        BytesArchived: if its chunks are not at hand.
        BytesDamaged: if the chunk map is gone or wrong.
    """
    if not chunks:
        raise InvalidField("chunks", "is empty: name at least one chunk")
    if len(chunks) > MAX_ADDRESSES:
        raise LimitExceeded("chunks", MAX_ADDRESSES, len(chunks))
    until = execution.clock() + LIFETIME
    if addresses is None:
        return [], until
    _, files = await get_readable_files(execution, blobs, kept, project=project, digest=digest)
    return await execution.io(partial(_addressed, addresses, files, chunks)), until


def _addressed(
    addresses: Addresses, files: Sequence[FileEntry], chunks: Sequence[Digest]
) -> list[DirectRead]:
    known = distinct_chunks(files)
    reads = []
    for index, digest in enumerate(chunks):
        chunk = known.get(digest)
        if chunk is None:
            raise InvalidField(f"chunks[{index}]", f"is {digest}, which is no chunk of the manifest")
        url = addresses.read_address(digest, lifetime=LIFETIME)
        reads.append(DirectRead(digest, chunk.size, url))
    return reads
