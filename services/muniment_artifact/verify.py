"""Reading every chunk of a manifest to see whether it is still what it was."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from muniment_core.db.artifact_store import Chunk
from muniment_core.rpc.execution import Execution

from muniment_artifact.blobs import BlobStore
from muniment_artifact.blobs.verified import verify_blob
from muniment_artifact.manifest import FileEntry, distinct_chunks


async def verify_files(execution: Execution, blobs: BlobStore, files: Sequence[FileEntry]) -> list[Chunk]:
    """Read and hash each distinct chunk of files and return them.

    One chunk is one piece of work for the pool: a cancelled call stops after the chunk it is at, and a large
    manifest does not keep a thread from others for long.

    Raises:
        BytesDamaged: naming the first chunk, in order of the files, that is gone or wrong.
    """
    chunks = list(distinct_chunks(files).values())
    for chunk in chunks:
        await execution.io(partial(verify_blob, blobs, chunk.digest, chunk.size))
    return chunks
