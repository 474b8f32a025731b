"""What a download asks for: parts of files that begin and end with chunks, dealt out to the lanes in turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from muniment.file_parts import Part

SEGMENT_BYTES = 8 * 1024 * 1024
"""Large enough that asking costs nothing, small enough that lanes stay close to each other: files are hashed
from the front, and what lies far ahead of the front would have to be read from the disk again."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a file to ask for.

    Attributes:
        file: position of the file in the list of all.
        parts: what it is made of.
    """

    file: int
    parts: tuple[Part, ...]

    @property
    def offset(self) -> int:
        """Where it begins in the file."""
        return self.parts[0].offset

    @property
    def size(self) -> int:
        """How many bytes it has."""
        last = self.parts[-1]
        return last.offset + last.size - self.offset


def segments(number: int, missing: Iterable[Part]) -> Iterator[Segment]:
    """Segments of a file's missing parts, in order.

    The registry verifies the chunks it reads whole, so segments end where chunks do.
    """
    gathered: list[Part] = []
    size = 0
    for part in missing:
        if gathered and (
            part.offset != gathered[-1].offset + gathered[-1].size or size + part.size > SEGMENT_BYTES
        ):
            yield Segment(number, tuple(gathered))
            gathered, size = [], 0
        gathered.append(part)
        size += part.size
    if gathered:
        yield Segment(number, tuple(gathered))
