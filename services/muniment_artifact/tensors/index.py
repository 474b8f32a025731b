"""Finding tensors in files: headers are read once, and kept within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from cachetools import LRUCache
from muniment.digests import Digest
from muniment.tensor_header import LENGTH_BYTES, StoredTensor, UntrueHeader, header_length, read_header
from muniment_core.domain.errors import (
    FileNotFound,
    HeaderInvalid,
    InvalidField,
    LimitExceeded,
    TensorNotFound,
)
from muniment_core.rpc.execution import Execution

from muniment_artifact.blobs import BlobStore
from muniment_artifact.damage import damage_noted
from muniment_artifact.limits import MIB, Limits
from muniment_artifact.manifest import FileEntry
from muniment_artifact.read import ByteRange, FileRange, read_ranges

MAX_KEPT_BYTES = 8 * MIB
"""Of headers whose tensors are kept; as Python objects they take some four times as much."""


@dataclass(frozen=True, slots=True)
class TensorIndex:
    """The tensors of a file.

    Attributes:
        tensors: in the order of their bytes.
        weight: size of the header in bytes.
    """

    tensors: tuple[StoredTensor, ...]
    by_name: Mapping[str, StoredTensor]
    weight: int


class TensorIndexes:
    """Tells what tensors files have.

    Files are known by their digests, so an index never becomes wrong; who may see it is decided before.
    """

    def __init__(self, execution: Execution, blobs: BlobStore) -> None:
        self._execution = execution
        self._blobs = blobs
        self._kept: LRUCache[Digest, TensorIndex] = LRUCache(MAX_KEPT_BYTES, lambda index: index.weight)
        # One header at a time is in memory as JSON, however many callers ask.
        self._reading = asyncio.Lock()

    async def of(self, file: FileEntry) -> TensorIndex:
        """The tensors of a file.

        Raises:
            HeaderInvalid: if it has no header that can be believed.
            BytesDamaged: if the bytes of the header are gone or wrong.
        """
        kept = self._kept.get(file.digest)
        if kept is not None:
            return kept
        async with self._reading:
            kept = self._kept.get(file.digest)
            if kept is None:
                async with damage_noted(self._execution):
                    kept = await self._execution.io(partial(_read_index, self._blobs, file))
                if kept.weight <= MAX_KEPT_BYTES:
                    self._kept[file.digest] = kept
        return kept

    async def in_bytes(
        self, digest: Digest, files: Sequence[FileEntry], ranges: Sequence[ByteRange], limits: Limits
    ) -> list[ByteRange]:
        """Ranges of which some name tensors, as ranges of bytes.

        Raises:
            LimitExceeded: if there are too many.
            FileNotFound: if the manifest has no such file.
            TensorNotFound: if the file has no such tensor.
            InvalidField: if a range reaches outside of its tensor.
            HeaderInvalid, BytesDamaged: see :meth:`of`.
        """
        if len(ranges) > limits.max_ranges:
            raise LimitExceeded("ranges", limits.max_ranges, len(ranges))
        by_path = {file.path: file for file in files}
        placed = list(ranges)
        named = [number for number, wanted in enumerate(ranges) if wanted.tensor]
        # File by file, so that one index at a time is held, also of files whose headers are too large to keep.
        for number in sorted(named, key=lambda number: ranges[number].path):
            wanted = ranges[number]
            file = by_path.get(wanted.path)
            if file is None:
                raise FileNotFound(wanted.path, digest.text)
            found = (await self.of(file)).by_name.get(wanted.tensor)
            if found is None:
                raise TensorNotFound(wanted.tensor, wanted.path)
            placed[number] = _within(f"ranges[{number}]", wanted, found)
        return placed


def _within(field: str, wanted: ByteRange, tensor: StoredTensor) -> ByteRange:
    size = tensor.end - tensor.start
    if not 0 <= wanted.offset <= size:
        raise InvalidField(f"{field}.offset", f"is {wanted.offset}, while the tensor has {size} bytes")
    if not 0 <= wanted.length <= size - wanted.offset:
        raise InvalidField(
            f"{field}.length", f"is {wanted.length}, while {size - wanted.offset} bytes follow its offset"
        )
    length = wanted.length or size - wanted.offset
    # A length of nothing would mean all that follows.
    return replace(wanted, offset=tensor.start + wanted.offset, length=length, nothing=not length, tensor="")


def _read_index(blobs: BlobStore, file: FileEntry) -> TensorIndex:
    try:
        length = header_length(_read(blobs, file, min(LENGTH_BYTES, file.size)), file.size)
        # From the first byte: chunks that are read whole are verified.
        header = _read(blobs, file, LENGTH_BYTES + length)[LENGTH_BYTES:]
        tensors = read_header(header, file.size)
    except UntrueHeader as error:
        raise HeaderInvalid(file.path, str(error)) from error
    return TensorIndex(tensors, {tensor.name: tensor for tensor in tensors}, max(1, length))


def _read(blobs: BlobStore, file: FileEntry, end: int) -> bytes:
    return b"".join(frame.data for frame in read_ranges(blobs, [FileRange(file, 0, end)])) if end else b""
