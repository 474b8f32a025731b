"""Files as they are known by their digests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from muniment.transfer.slabs import Region
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


@dataclass(frozen=True, slots=True)
class Load:
    """A chunk to send. Whoever is done with it leaves it as a context.

    Attributes:
        region: its bytes; None where they have to be read from the file.
    """

    piece: Piece
    region: Region | None = None
    start: int = 0

    @property
    def data(self) -> memoryview | None:
        """Its bytes, if they are in memory."""
        return None if self.region is None else self.region.data[self.start : self.start + self.piece.size]

    def close(self) -> None:
        """Let go of the memory."""
        if self.region is not None:
            self.region.close()

    def __enter__(self) -> Load:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Offer:
    """Chunks of a file that follow each other and may have to be sent.

    Attributes:
        region: their bytes, one chunk after the other, of which each chunk is a user; None where they are not in
            memory.
    """

    source: SourceFile
    pieces: Sequence[Piece]
    region: Region | None = None

    def loads(self) -> list[Load]:
        """Each chunk by itself."""
        first = self.pieces[0].offset if self.pieces else 0
        return [Load(piece, self.region, piece.offset - first) for piece in self.pieces]
