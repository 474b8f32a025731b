"""What a file is made of: the chunks that a registry tells, or parts of a size if those are not to be believed."""

from __future__ import annotations

from dataclasses import dataclass

from muniment.manifest import ListedFile
from muniment.v1 import artifact_service_pb2 as pb

PART_BYTES = 8 * 1024 * 1024
"""Of parts that are not chunks."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file that is there or is not: a chunk, with its digest if that is known."""

    digest: str
    offset: int
    size: int


def parts(file: ListedFile, entry: pb.FileEntry) -> list[Part]:
    """The chunks of a file, in order.

    Chunks that do not make the file are not believed, and do not matter: every file is verified here. Then these
    are parts without digests.

    Args:
        file: a file of the manifest.
        entry: the same with its chunks, as the registry tells them.
    """
    chunks = [(chunk.digest, chunk.size) for chunk in entry.chunks]
    if sum(size for _, size in chunks) != file.size or min((size for _, size in chunks), default=1) < 1:
        sizes = [PART_BYTES] * (file.size // PART_BYTES) + [file.size % PART_BYTES]
        chunks = [("", size) for size in sizes if size]
    found = []
    offset = 0
    for digest, size in chunks:
        found.append(Part(digest, offset, size))
        offset += size
    return found
