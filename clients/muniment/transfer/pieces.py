"""Files as they are known by their digests."""

from __future__ import annotations

from dataclasses import dataclass

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
