"""Whether files can be what they claim, as far as that can be seen without reading bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from muniment.digests import Digest
from muniment_core.db.artifact_store import Chunk
from muniment_core.domain.errors import DigestMismatch, InvalidField, LimitExceeded, SizeMismatch

from muniment_artifact.limits import Limits
from muniment_artifact.manifest import EMPTY_DIGEST, FileEntry
from muniment_artifact.paths import check_distinct, check_path

_CHUNKING = re.compile(r"[a-z0-9./-]{0,64}")


def check_files(files: Sequence[FileEntry], limits: Limits) -> None:
    """Check number, paths, sizes and tiling of the files of an upload.

    Raises:
        InvalidField: if there are none, or a size is out of range.
        LimitExceeded: if there are too many, or a chunk is too large.
        InvalidPath: if a path is not safe or clashes with another.
        SizeMismatch: if the chunks of a file do not add up to it, or a chunk has two sizes.
        DigestMismatch: if a file that is empty or one single chunk does not have the digest of that.
    """
    if not files:
        raise InvalidField("files", "is empty: name at least one file")
    if len(files) > limits.max_files:
        raise LimitExceeded("files", limits.max_files, len(files))
    count = sum(len(file.chunks) for file in files)
    if count > limits.max_commit_chunks:
        raise LimitExceeded("files.chunks", limits.max_commit_chunks, count)
    sizes: dict[Digest, int] = {}
    for index, file in enumerate(files):
        field = f"files[{index}]"
        check_path(f"{field}.path", file.path)
        if not _CHUNKING.fullmatch(file.chunking):
            raise InvalidField(
                f"{field}.chunking", "is not at most 64 lower-case letters, digits, '.', '-' and '/'"
            )
        for position, chunk in enumerate(file.chunks):
            check_chunk(f"{field}.chunks[{position}].size", chunk, limits)
            if sizes.setdefault(chunk.digest, chunk.size) != chunk.size:
                raise SizeMismatch(f"chunk {chunk.digest}", declared=chunk.size, actual=sizes[chunk.digest])
        _check_tiling(field, file)
    check_distinct((f"files[{index}].path", file.path) for index, file in enumerate(files))


def check_chunk(field: str, chunk: Chunk, limits: Limits) -> None:
    """Check the size of a chunk.

    Raises:
        InvalidField: if it is less than one byte.
        LimitExceeded: if it is more than the limit.
    """
    if chunk.size < 1:
        raise InvalidField(field, f"is {chunk.size}, while a chunk has at least 1 byte")
    if chunk.size > limits.max_chunk_bytes:
        raise LimitExceeded(field, limits.max_chunk_bytes, chunk.size)


def _check_tiling(field: str, file: FileEntry) -> None:
    if file.size < 0:
        raise InvalidField(f"{field}.size", f"is {file.size}, while a file has 0 bytes or more")
    total = sum(chunk.size for chunk in file.chunks)
    if total != file.size:
        raise SizeMismatch(
            f"sum of the chunks of {field} {file.path[:200]!r}", declared=file.size, actual=total
        )
    if len(file.chunks) <= 1:
        actual = file.chunks[0].digest if file.chunks else EMPTY_DIGEST
        if actual != file.digest:
            raise DigestMismatch(
                declared=file.digest.text, actual=actual.text, what=f"digest of {file.path[:200]!r}"
            )
