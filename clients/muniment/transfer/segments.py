"""What a download asks for: parts of files that begin and end with chunks, dealt out to the lanes in turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from muniment.transfer.manifest import ListedFile
from muniment.v1 import artifact_service_pb2 as pb

SEGMENT_BYTES = 8 * 1024 * 1024
"""Large enough that asking costs nothing, small enough that lanes stay close to each other: files are hashed
from the front, and what lies far ahead of the front would have to be read from the disk again."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a file.

    Attributes:
        file: position of the file in the list of all.
    """

    file: int
    offset: int
    size: int


def segments(files: Sequence[ListedFile], entries: Sequence[pb.FileEntry]) -> Iterator[Segment]:
    """Segments of files, in order.

    The registry verifies the chunks it reads whole, so segments end where chunks do. Chunks that do not make the
    file are not believed, and do not matter: every file is verified here.

    Args:
        files: what to fetch.
        entries: the same files with their chunks, as the registry tells them.
    """
    for number, (file, entry) in enumerate(zip(files, entries, strict=True)):
        sizes = [chunk.size for chunk in entry.chunks]
        if sum(sizes) != file.size or min(sizes, default=1) < 1:
            sizes = [SEGMENT_BYTES] * (file.size // SEGMENT_BYTES) + [file.size % SEGMENT_BYTES]
        offset = 0
        for size in _gathered(sizes):
            yield Segment(number, offset, size)
            offset += size


def _gathered(sizes: Iterable[int]) -> Iterator[int]:
    gathered = 0
    for size in sizes:
        if gathered and gathered + size > SEGMENT_BYTES:
            yield gathered
            gathered = 0
        gathered += size
    if gathered:
        yield gathered
