"""Naming the chunks of a file, and the file, by their digests; both at once, on two threads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import closing

from muniment.digests import Digest
from muniment.transfer.chunking import Run, cut_file
from muniment.transfer.memo import DigestMemo
from muniment.transfer.pieces import HashedFile, Piece
from muniment.transfer.progress import Progress
from muniment.transfer.slabs import Region, Slabs
from muniment.transfer.source import SourceFile

Found = Callable[[list[Piece], Region | None], None]
"""Told of chunks that follow each other, and where their bytes are if they are kept."""


class Hasher:
    """Cuts and hashes files."""

    def __init__(
        self,
        helper: Executor,
        memo: DigestMemo,
        *,
        slabs: Slabs,
        max_chunk_bytes: int,
        coarse: bool,
        progress: Progress,
    ) -> None:
        """Remember how.

        Args:
            helper: hashes whole files beside the chunks of the calling thread.
            memo: knows what did not change since it was hashed before.
            slabs: memory to read into.
            max_chunk_bytes: the largest chunk the registry takes.
            coarse: see :func:`muniment.transfer.chunking.cut_file`.
            progress: told of bytes that were hashed.
        """
        self._helper = helper
        self._memo = memo
        self._slabs = slabs
        self._max_chunk_bytes = max_chunk_bytes
        self._coarse = coarse
        self._progress = progress

    def hash(self, source: SourceFile, found: Found) -> HashedFile:
        """Read a file once, unless it is known unread.

        Args:
            source: the file.
            found: told of its chunks, in order, as soon as they are known.

        Raises:
            FileChanged: if it changes while it is read.
            CannotRead: if it cannot be read.
        """
        look = self._memo.look(source)
        file = self._memo.find(source, look)
        if file is not None:
            found(list(file.pieces), None)
            self._progress(source.size)
            return file
        file = self._read(source, found)
        self._memo.remember(file, look)
        return file

    def _read(self, source: SourceFile, found: Found) -> HashedFile:
        whole = hashlib.sha256()
        pieces: list[Piece] = []
        with source.opened() as descriptor:
            cut = cut_file(
                source,
                descriptor,
                slabs=self._slabs,
                max_chunk_bytes=self._max_chunk_bytes,
                coarse=self._coarse,
            )
            for run in cut.runs:
                with closing(run.region):
                    if run.sizes == [source.size]:
                        # The only chunk is the file: its bytes need not be hashed twice.
                        whole.update(run.data)
                        some = [Piece(Digest.of_hash(whole).text, 0, source.size)]
                    else:
                        beside = self._helper.submit(whole.update, run.data)
                        some = _pieces(run)
                        beside.result()
                    pieces += some
                    found(some, run.region if run.region.is_kept else None)
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
