"""From messages of the artifact service to values and back. Protobuf stops here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime

from muniment.frames import PutFrame
from muniment.names import ProjectName
from muniment.tensor_header import StoredTensor
from muniment.v1 import artifact_service_pb2 as pb
from muniment_core.db.artifact_store import Chunk, ManifestRecord
from muniment_core.db.usage_store import Usage
from muniment_core.rpc import convert

from muniment_artifact.direct import DirectRead
from muniment_artifact.intake import Frame
from muniment_artifact.limits import Limits
from muniment_artifact.manifest import FileEntry, root_digest
from muniment_artifact.read import ByteRange


def project(parent: str) -> str:
    """The project of a ``parent`` field."""
    return convert.parse("parent", ProjectName.parse, parent).project


def capabilities(limits: Limits, *, direct_reads: bool, drop_archived: bool) -> pb.Capabilities:
    """What clients are told of the limits."""
    return pb.Capabilities(
        max_chunk_bytes=limits.max_chunk_bytes,
        max_frame_bytes=limits.max_frame_bytes,
        max_files=limits.max_files,
        max_plan_chunks=limits.max_plan_chunks,
        max_unacked_bytes=limits.max_unacked_bytes,
        max_commit_chunks=limits.max_commit_chunks,
        direct_reads=direct_reads,
        archived_bytes=pb.ARCHIVED_BYTES_DROPPED if drop_archived else pb.ARCHIVED_BYTES_COLD,
    )


def chunks(field: str, messages: Iterable[pb.Chunk]) -> list[Chunk]:
    """Chunks of a request; sizes are not judged here."""
    return [
        Chunk(convert.digest(f"{field}[{index}].digest", message.digest), message.size)
        for index, message in enumerate(messages)
    ]


def files(messages: Iterable[pb.FileEntry]) -> list[FileEntry]:
    """Files of a request; paths and sizes are not judged here."""
    return [
        FileEntry(
            path=message.path,
            digest=convert.digest(f"files[{index}].digest", message.digest),
            size=message.size,
            chunks=tuple(chunks(f"files[{index}].chunks", message.chunks)),
            chunking=message.chunking,
        )
        for index, message in enumerate(messages)
    ]


def ranges(messages: Iterable[pb.ByteRange]) -> list[ByteRange]:
    """Ranges of a request."""
    return [ByteRange(message.path, message.offset, message.length, message.tensor) for message in messages]


def frame_of(message: PutFrame) -> Frame:
    """A frame of a stream."""
    digest = convert.digest("digest", message.digest) if message.digest else None
    return Frame(digest, message.size, message.offset, message.data, message.file_offset, message.file_size)


async def frames(first: PutFrame, others: AsyncIterator[PutFrame]) -> AsyncIterator[Frame]:
    """The frames of a stream. The first message may carry nothing but the parent."""
    if first.data or first.digest:
        yield frame_of(first)
    async for message in others:
        yield frame_of(message)


def manifest_message(record: ManifestRecord, entries: Sequence[FileEntry]) -> pb.Manifest:
    """A manifest for an answer."""
    return pb.Manifest(
        digest=record.digest.text,
        body=record.body,
        size_bytes=record.size_bytes,
        root_digest=root_digest(entries).text,
        tier=f"BYTES_TIER_{record.tier}",
        files=[
            pb.FileEntry(
                path=entry.path,
                digest=entry.digest.text,
                size=entry.size,
                chunks=[pb.Chunk(digest=chunk.digest.text, size=chunk.size) for chunk in entry.chunks],
                chunking=entry.chunking,
            )
            for entry in entries
        ],
    )


def tensor_message(path: str, tensor: StoredTensor) -> pb.Tensor:
    """A tensor for an answer."""
    return pb.Tensor(
        name=tensor.name,
        dtype=tensor.dtype,
        shape=tensor.shape,
        offset=tensor.start,
        size=tensor.end - tensor.start,
        path=path,
    )


def usage_message(name: str, usage: Usage) -> pb.Usage:
    """How much space something takes, for an answer."""
    return pb.Usage(
        name=name,
        version_count=usage.version_count,
        logical_bytes=usage.logical_bytes,
        stored_bytes=usage.stored_bytes,
        shared_bytes=usage.shared_bytes,
        archived_bytes=usage.archived_bytes,
    )


def direct_reads_message(reads: Iterable[DirectRead], until: datetime) -> pb.GetDirectReadsResponse:
    """Addresses for an answer."""
    message = pb.GetDirectReadsResponse(
        reads=[pb.DirectRead(chunk=read.chunk.text, size=read.size, url=read.url) for read in reads]
    )
    message.expire_time.FromDatetime(until)
    return message
