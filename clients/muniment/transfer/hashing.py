"""Cutting files into chunks and naming chunks and files by their digest, one buffer at a time."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from muniment.digests import Digest
from muniment.transfer.progress import Progress
from muniment.transfer.source import SourceFile

CHUNK_BYTES = 8 * 1024 * 1024
"""Fixed for now; the manifest names every chunk with its size, so another client may cut otherwise."""

READ_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk of a file: which bytes, and their digest."""

    digest: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class HashedFile:
    """A file with its digest and the chunks that tile it."""

    source: SourceFile
    digest: str
    pieces: tuple[Piece, ...]


def hash_file(source: SourceFile, *, chunk_bytes: int, progress: Progress) -> HashedFile:
    """Read a file once.

    Raises:
        FileChanged: if it changes while it is read.
        CannotRead: if it cannot be read.
    """
    whole = hashlib.sha256()
    pieces: list[Piece] = []
    buffer = memoryview(bytearray(READ_BYTES))
    with source.opened() as descriptor:
        offset = 0
        while offset < source.size:
            size = min(chunk_bytes, source.size - offset)
            chunk = hashlib.sha256()
            done = 0
            while done < size:
                count = os.preadv(descriptor, [buffer[: min(READ_BYTES, size - done)]], offset + done)
                if not count:
                    raise source.changed("became shorter")
                chunk.update(buffer[:count])
                if size < source.size:
                    whole.update(buffer[:count])
                done += count
                progress(count)
            if size == source.size:
                # The only chunk is the file: its bytes need not be hashed twice.
                whole = chunk
            pieces.append(Piece(Digest.of_hash(chunk).text, offset, size))
            offset += size
    return HashedFile(source, Digest.of_hash(whole).text, tuple(pieces))
