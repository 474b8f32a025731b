"""Reading manifests and ranges of their files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from muniment.digests import Digest
from muniment.frames import RangeFrame
from muniment_core.db.artifact_store import Chunk, ManifestRecord
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.errors import BytesArchived, BytesDamaged, FileNotFound, InvalidField, LimitExceeded
from muniment_core.domain.manifest_files import listed_files
from muniment_core.domain.tiers import Tier
from muniment_core.rpc.execution import Execution

from muniment_artifact.ahead import ReadAhead, in_turn
from muniment_artifact.blobs import BlobStore
from muniment_artifact.blobs.verified import read_verified
from muniment_artifact.blobs.whole import get_blob
from muniment_artifact.chunk_maps import ChunkMaps
from muniment_artifact.limits import FRAME_BYTES, Limits
from muniment_artifact.manifest import FileEntry, read_chunk_map


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A range of a file.

    Attributes:
        length: in bytes; 0: to the end of the file.
        tensor: of the file, in which ``offset`` and ``length`` are meant; empty: in the file.
        nothing: whether the range is empty, which a length of 0 does not say.
    """

    path: str
    offset: int
    length: int
    tensor: str = ""
    nothing: bool = False


@dataclass(frozen=True, slots=True)
class FileRange:
    """A range that was found to lie within a file; ``end`` is the first byte after it."""

    file: FileEntry
    offset: int
    end: int


def find_manifest(reader: Reader, *, project: str, digest: Digest) -> ManifestRecord:
    """The manifest a project holds.

    Raises:
        ProjectNotFound: if there is no such project.
        ManifestNotFound: if it holds no such manifest.
    """
    return reader.artifacts.require_manifest(reader.projects.require(project).id, digest)


def files_of(blobs: BlobStore, record: ManifestRecord) -> tuple[FileEntry, ...]:
    """The files of a manifest with their chunks, from its chunk map.

    Raises:
        BytesArchived: if its bytes were given up, the chunk map with them.
        BytesDamaged: if the chunk map is gone or wrong.
    """
    if record.tier is Tier.GONE:
        raise BytesArchived(record.digest.text, record.tier)
    return read_chunk_map(get_blob(blobs, record.chunk_map.digest, record.chunk_map.size))


async def get_files(
    execution: Execution, blobs: BlobStore, *, project: str, digest: Digest
) -> tuple[ManifestRecord, tuple[FileEntry, ...]]:
    """A manifest and its files; raises what :func:`find_manifest` and :func:`files_of` raise."""
    record = await execution.read(partial(find_manifest, project=project, digest=digest))
    return record, await execution.io(partial(files_of, blobs, record))


async def get_known_files(
    execution: Execution, blobs: BlobStore, kept: ChunkMaps, *, project: str, digest: Digest
) -> tuple[ManifestRecord, tuple[FileEntry, ...]]:
    """A manifest and what is known of its files: without chunks, if the bytes were given up.

    The chunk map is read from the store, so that a pull that begins with this finds damage, and kept for the rest
    of the pull.

    Raises:
        ProjectNotFound, ManifestNotFound: see :func:`find_manifest`.
        BytesDamaged: if the chunk map is gone or wrong.
    """
    record = await execution.read(partial(find_manifest, project=project, digest=digest))
    if record.tier is not Tier.GONE:
        try:
            files = await execution.io(partial(files_of, blobs, record))
        except BytesDamaged:
            # They may be given up at this moment.
            record = await execution.read(partial(find_manifest, project=project, digest=digest))
            if record.tier is not Tier.GONE:
                raise
        else:
            kept.keep(record, files)
            return record, files
    return record, await execution.io(partial(_without_chunks, record))


def _without_chunks(record: ManifestRecord) -> tuple[FileEntry, ...]:
    return tuple(
        FileEntry(file.path, Digest(file.digest), file.size, ()) for file in listed_files(record.body)
    )


async def get_readable_files(
    execution: Execution, blobs: BlobStore, kept: ChunkMaps | None = None, *, project: str, digest: Digest
) -> tuple[ManifestRecord, tuple[FileEntry, ...]]:
    """The same of a manifest whose chunks are at hand.

    Args:
        kept: where the chunk map is looked for first; None: whoever looks for damage has it read.

    Raises:
        BytesArchived: if they are not.
        As :func:`get_files`.
    """
    record = await execution.read(partial(find_manifest, project=project, digest=digest))
    require_at_hand(record)
    files = None if kept is None else kept.get(record)
    if files is None:
        files = await execution.io(partial(files_of, blobs, record))
        if kept is not None:
            kept.keep(record, files)
    return record, files


def require_at_hand(record: ManifestRecord) -> None:
    """Refuse to read the chunks of a manifest that are in the cold tier, or given up.

    Raises:
        BytesArchived: if they are.
    """
    if record.tier is not Tier.HOT:
        raise BytesArchived(record.digest.text, record.tier)


def place_ranges(
    digest: Digest, files: Sequence[FileEntry], ranges: Sequence[ByteRange], *, limits: Limits
) -> list[FileRange]:
    """Find ranges in the files of a manifest, before the first byte is sent.

    Raises:
        InvalidField: if there are none, or one reaches outside of its file.
        LimitExceeded: if there are too many.
        FileNotFound: if the manifest has no such file.
    """
    if not ranges:
        raise InvalidField("ranges", "is empty: name at least one range")
    if len(ranges) > limits.max_ranges:
        raise LimitExceeded("ranges", limits.max_ranges, len(ranges))
    by_path = {file.path: file for file in files}
    return [_place(f"ranges[{index}]", digest, by_path, wanted) for index, wanted in enumerate(ranges)]


@dataclass(frozen=True, slots=True)
class ChunkPart:
    """What a range touches of a chunk.

    Attributes:
        index: of the range.
        position: of its first byte in the file.
        start: of its first byte in the chunk.
        end: of the first byte after it.
    """

    index: int
    position: int
    chunk: Chunk
    start: int
    end: int

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self.end - self.start


def read_ranges(
    blobs: BlobStore, ranges: Sequence[FileRange], *, ahead: ReadAhead | None = None
) -> Generator[RangeFrame, None, None]:
    """Yield ranges, one after the other, in frames of at most 1 MiB.

    A chunk that is read whole is verified, and its last frame held back until its digest matches. Of a chunk
    that is read in part only the size can be checked here; who needs certainty reads whole chunks.

    Raises:
        BytesDamaged: naming the chunk that is gone or wrong.
    """
    parts = (part for index, wanted in enumerate(ranges) for part in _parts(index, wanted))
    run = ahead.run if ahead is not None else in_turn
    with closing(run(parts, partial(_read_part, blobs))) as read:
        for part, frames in read:
            position = part.position
            for data in frames:
                yield RangeFrame(part.index, position, data)
                position += len(data)


def _read_part(blobs: BlobStore, part: ChunkPart) -> Generator[bytes, None, None]:
    if part.size == part.chunk.size:
        return read_verified(blobs, part.chunk.digest, part.chunk.size, frame_bytes=FRAME_BYTES)
    return blobs.read(part.chunk.digest, offset=part.start, length=part.size, frame_bytes=FRAME_BYTES)


def _parts(index: int, wanted: FileRange) -> Iterator[ChunkPart]:
    """The parts of chunks that make a range."""
    # Clients ask for a large file in thousands of ranges: each begins where it begins, not at the first chunk.
    position, number = wanted.offset, bisect_right(wanted.file.ends, wanted.offset)
    while position < wanted.end:
        chunk, chunk_end = wanted.file.chunks[number], wanted.file.ends[number]
        chunk_offset, end = chunk_end - chunk.size, min(wanted.end, chunk_end)
        yield ChunkPart(index, position, chunk, position - chunk_offset, end - chunk_offset)
        position, number = end, number + 1


def _place(field: str, digest: Digest, by_path: dict[str, FileEntry], wanted: ByteRange) -> FileRange:
    file = by_path.get(wanted.path)
    if file is None:
        raise FileNotFound(wanted.path, digest.text)
    if not 0 <= wanted.offset <= file.size:
        raise InvalidField(f"{field}.offset", f"is {wanted.offset}, while the file has {file.size} bytes")
    rest = file.size - wanted.offset
    if not 0 <= wanted.length <= rest:
        raise InvalidField(f"{field}.length", f"is {wanted.length}, while {rest} bytes follow its offset")
    length = 0 if wanted.nothing else wanted.length or rest
    return FileRange(file, wanted.offset, wanted.offset + length)
