"""A file that is being received, and the journal of what of it has arrived.

The journal is text: a line ``muniment-journal/1 DIGEST SIZE``, then a line ``OFFSET SIZE`` for each part that was
written. It is a claim and no more: parts may never have reached the disk, or the file may be another one by now.
Who goes on hashes each chunk that is claimed, and keeps those that are right.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from muniment.file_parts import Part
from muniment.manifest import ListedFile

JOURNAL = ".journal"
JOURNALED_BYTES = 4 * 1024 * 1024
"""Smaller files, which are as a rule one chunk, begin anew."""

_VERSION = "muniment-journal/1"
_MOST_BYTES = 64 * 1024 * 1024
_BUFFER_BYTES = 1024 * 1024


class Partial:
    """A file under its digest in a directory. Only whoever holds the lock of the digest uses it."""

    def __init__(self, directory: Path, file: ListedFile) -> None:
        self.path = directory / file.digest.removeprefix("sha256:")
        self._file = file
        self._journal_path = journal_of(self.path)
        self._journal: int | None = None

    def recover(self, parts: Iterable[Part]) -> list[Part]:
        """Those chunks of an earlier attempt that are there and right; without any, nothing is left of it."""
        found: list[Part] = []
        if self._file.size < JOURNALED_BYTES:
            self.path.unlink(missing_ok=True)
            return found
        if claims := self._claims():
            with suppress(OSError):
                descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
                try:
                    status = os.fstat(descriptor)
                    if stat.S_ISREG(status.st_mode) and status.st_size == self._file.size:
                        found = [part for part in _claimed(parts, claims) if has_digest(descriptor, part)]
                finally:
                    os.close(descriptor)
        if not found:
            self.discard()
        return found

    def begin(self, kept: Iterable[Part] = ()) -> None:
        """Begin the journal anew, with what was recovered."""
        if self._file.size < JOURNALED_BYTES:
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._journal = os.open(self._journal_path, flags, 0o600)
        lines = [self._head, *(f"{part.offset} {part.size}" for part in kept)]
        os.write(self._journal, ("\n".join(lines) + "\n").encode())

    def note(self, offset: int, size: int) -> None:
        """Note a part that was written; from any thread."""
        if self._journal is not None:
            os.write(self._journal, f"{offset} {size}\n".encode())

    def close(self) -> None:
        """Let go of the journal. Closing twice is fine."""
        journal, self._journal = self._journal, None
        if journal is not None:
            os.close(journal)

    def admitted(self) -> None:
        """The file has gone to its place: the journal goes too."""
        self.close()
        if self._file.size >= JOURNALED_BYTES:
            self._journal_path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove file and journal."""
        self.close()
        self._journal_path.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def arrived_bytes(self) -> int:
        """How much has arrived, as whoever receives it says."""
        return min(self._file.size, sum(size for _, size in self._claims()))

    def allocated_bytes(self) -> int:
        """How much room the disk has given to it already."""
        try:
            return min(self._file.size, self.path.stat(follow_symlinks=False).st_blocks * 512)
        except FileNotFoundError:
            return 0

    @property
    def _head(self) -> str:
        return f"{_VERSION} {self._file.digest} {self._file.size}"

    def _claims(self) -> list[tuple[int, int]]:
        """Offset and size of what the journal says."""
        try:
            with self._journal_path.open("rb") as file:
                head, *lines = file.read(_MOST_BYTES).decode("ascii").split("\n")
            # A line that was being written ends without a newline, and splits off as the last.
            return (
                [(int(offset), int(size)) for offset, size in map(str.split, lines[:-1])]
                if (head == self._head)
                else []
            )
        except (OSError, ValueError):
            return []


def journal_of(path: Path) -> Path:
    """Where the journal of a partial file is."""
    return path.with_name(path.name + JOURNAL)


def has_digest(descriptor: int, part: Part) -> bool:
    """Whether an open file has a chunk at its place."""
    hasher = hashlib.sha256()
    for data in pieces(descriptor, part.offset, part.size):
        hasher.update(data)
    return f"sha256:{hasher.hexdigest()}" == part.digest


def pieces(descriptor: int, offset: int, size: int) -> Iterator[memoryview]:
    """The bytes of a range, piece by piece in one buffer; fewer where the file ends."""
    buffer = memoryview(bytearray(min(_BUFFER_BYTES, max(1, size))))
    end = offset + size
    while offset < end and (
        count := os.preadv(descriptor, [buffer[: min(len(buffer), end - offset)]], offset)
    ):
        yield buffer[:count]
        offset += count


def _claimed(parts: Iterable[Part], claims: list[tuple[int, int]]) -> Iterator[Part]:
    """The chunks that lie wholly in what is claimed."""
    extents: list[list[int]] = []
    for offset, size in sorted(claims):
        if extents and offset <= extents[-1][1]:
            extents[-1][1] = max(extents[-1][1], offset + size)
        else:
            extents.append([offset, offset + size])
    ends = iter(extents)
    current = next(ends, None)
    for part in parts:
        while current is not None and current[1] < part.offset + part.size:
            current = next(ends, None)
        if current is not None and current[0] <= part.offset:
            yield part
