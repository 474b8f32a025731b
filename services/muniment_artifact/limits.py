"""What one call may ask for. Clients read these numbers with GetCapabilities instead of knowing them."""

from __future__ import annotations

from dataclasses import dataclass, replace

MIB = 1024 * 1024

FRAME_BYTES = MIB
"""Data of one frame. Smaller frames are two to five times slower over gRPC, larger ones gain nothing."""

RESERVED_DESCRIPTORS = 64
"""For the database, logs, listening sockets and what libraries open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of the artifact service.

    Attributes:
        max_chunk_bytes: size of a chunk. Ours make none above 8 MiB, except content-defined ones of huge files.
        max_frame_bytes: data of one frame; what a stream holds in memory is a few of these.
        max_files: files of one manifest. Its JSON, about 300 bytes a file, travels in one message.
        max_commit_chunks: chunks of all files of one manifest, repeats counted: 2 TiB in chunks of 8 MiB.
        max_plan_chunks: chunks of one PlanUpload, about 80 bytes each.
        max_unacked_bytes: bytes of one stream waiting to become durable; beyond them it is not read.
        max_unacked_chunks: the same for chunks, since a chunk may be a single byte.
        max_ranges: ranges of one ReadRanges.
        max_read_streams: ReadRanges of one process at once; each holds a few frames and an open file.
        max_put_streams: PutChunks of one process at once; each holds a few frames and an open file for every chunk
            that is not acknowledged yet.
    """

    max_chunk_bytes: int = 16 * MIB
    max_frame_bytes: int = FRAME_BYTES
    max_files: int = 10_000
    max_commit_chunks: int = 262_144
    max_plan_chunks: int = 10_000
    max_unacked_bytes: int = 32 * MIB
    max_unacked_chunks: int = 16
    max_ranges: int = 10_000
    max_read_streams: int = 64
    max_put_streams: int = 64

    def within_descriptors(self, count: int) -> Limits:
        """These limits for a process that may open so many files: half of them may be the streams'."""
        spare = max(0, count - RESERVED_DESCRIPTORS) // 4
        return replace(
            self,
            max_read_streams=max(1, min(self.max_read_streams, spare)),
            max_put_streams=max(1, min(self.max_put_streams, spare // (self.max_unacked_chunks + 2))),
        )
