"""Naming the chunks of a file, and the file, by their digests; both at once, on two threads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from muniment.digests import Digest
from muniment.transfer.chunking import Run, cut_file
from muniment.transfer.progress import Progress
from muniment.transfer.source import SourceFile


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk of a file: which bytes, and their digest."""

    digest: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class HashedFile:
    """A file with its digest and the chunks that tile it.

    Attributes:
        chunking: the name of the way it was cut, see :mod:`muniment.transfer.chunking`.
    """

    source: SourceFile
    digest: str
    pieces: tuple[Piece, ...]
    chunking: str


class Hasher:
    """Cuts and hashes files."""

    def __init__(self, helper: Executor, *, max_chunk_bytes: int, coarse: bool, progress: Progress) -> None:
        """Remember how.

        Args:
            helper: hashes whole files beside the chunks of the calling thread.
            max_chunk_bytes: the largest chunk the registry takes.
            coarse: see :func:`muniment.transfer.chunking.cut_file`.
            progress: told of bytes that were hashed.
        """
        self._helper = helper
        self._max_chunk_bytes = max_chunk_bytes
        self._coarse = coarse
        self._progress = progress

    def hash(self, source: SourceFile, found: Callable[[list[Piece]], None]) -> HashedFile:
        """Read a file once.

        Args:
            source: the file.
            found: told of its chunks, in order, as soon as they are known.

        Raises:
            FileChanged: if it changes while it is read.
            CannotRead: if it cannot be read.
        """
        whole = hashlib.sha256()
        pieces: list[Piece] = []
        with source.opened() as descriptor:
            cut = cut_file(source, descriptor, max_chunk_bytes=self._max_chunk_bytes, coarse=self._coarse)
            for run in cut.runs:
                if run.sizes == [source.size]:
                    # The only chunk is the file: its bytes need not be hashed twice.
                    whole.update(run.data)
                    some = [Piece(Digest.of_hash(whole).text, 0, source.size)]
                else:
                    beside = self._helper.submit(whole.update, run.data)
                    some = _pieces(run)
                    # The next run comes into the same buffer.
                    beside.result()
                pieces += some
                found(some)
                self._progress(len(run.data))
        return HashedFile(source, Digest.of_hash(whole).text, tuple(pieces), cut.name)


def _pieces(run: Run) -> list[Piece]:
    pieces = []
    position = 0
    for size in run.sizes:
        digest = Digest.of(run.data[position : position + size])
        pieces.append(Piece(digest.text, run.offset + position, size))
        position += size
    return pieces
