"""What files were found to be when they were hashed, so that a file that did not change is not read again.

A file counts as unchanged while device, inode, size, time of modification and time of change are what they were.
Nobody changes bytes and leaves all of these but a writer who maps the file into memory, or whose one call
overwrites it for longer than a file takes to settle, or who sets a clock back. A file that was touched a moment
before it was hashed is not remembered: in the same tick of the file system's clock, a later change would show none
(Git's problem of racy entries, https://git-scm.com/docs/racy-git).

Nothing that is sent rests on this: bytes are read again for that, and the registry hashes what it receives. What
rests on it is that a push names the files as they are, and not as they were when they were remembered.

::

    <cache>/pushed-1/
    └── <40 hex of a digest of the path and of how it is cut>.json

Each file is written aside and renamed, is read by itself and believed only with its own digest: processes need no
lock, and whatever a crash leaves is one file to hash again.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muniment.transfer.pieces import HashedFile, Piece
from muniment.transfer.source import Signature, SourceFile

DIRECTORY = "pushed-1"
"""With the version of the format; it becomes another one when files are cut otherwise."""

SMALLEST_BYTES = 256 * 1024
"""Hashing less is as fast as looking it up."""

SETTLED_NS = 2_000_000_000
"""The coarsest clock of a file system, that of FAT. Ext3 and HFS+ have whole seconds."""

FINE_SETTLED_NS = 50_000_000
"""All others take the time from a kernel, which sets it forward every 1 to 10 ms. This is five ticks of the
slowest: what is written after a look in such a distance is written in a later tick."""

_FINE_NS = 10_000_000
"""A time that is no multiple of this was kept in smaller steps; those of FAT are of 2 s, those of exFAT of 10 ms.
A time of a finer clock is one by chance, rarely; then it settles slowly."""

MOST_FILES = 4_096
MOST_BYTES = 256 * 1024 * 1024

_DIGEST_DIGITS = 64


@dataclass(frozen=True, slots=True)
class Look:
    """How a file looked at a moment.

    Attributes:
        entry: where it is remembered.
        stamp: device, inode, size, and the times of modification and of change in nanoseconds.
        moment_ns: the time then.
    """

    entry: Path
    stamp: tuple[int, ...]
    moment_ns: int

    @property
    def is_settled(self) -> bool:
        """Whether whatever changes the file from then on shows in its times."""
        times = self.stamp[-2:]
        # Both, for one may have been set, or kept otherwise than the other.
        is_fine = all(time_ns % _FINE_NS for time_ns in times)
        return self.moment_ns - max(times) >= (FINE_SETTLED_NS if is_fine else SETTLED_NS)


class DigestMemo:
    """Remembers files in a directory of the user's; does nothing where there is none, or it cannot be used."""

    def __init__(self, cache: Path | None, *, clock: Callable[[], int] = time.time_ns) -> None:
        """Nothing is made or read yet.

        Args:
            cache: the directory of the user's cache, where files that were pulled are kept as well.
            clock: tells the time in nanoseconds, as the file system does.
        """
        self._directory = cache / DIRECTORY if cache is not None else None
        self._clock = clock
        self._wrote = False
        self._believed: list[Path] = []

    def look(self, source: SourceFile, cut: str) -> Look | None:
        """Look at a file before it is read; None if it is not one to remember.

        Args:
            source: the file.
            cut: what decides how it is cut, apart from its name and bytes.
        """
        if self._directory is None or source.size < SMALLEST_BYTES:
            return None
        moment = self._clock()
        try:
            status = source.location.stat(follow_symlinks=False)
        except OSError:
            return None
        if Signature.of(status) != source.signature:
            return None
        # How a file is cut depends on its name.
        name = f"{source.location}\0{source.path}\0{cut}"
        key = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:40]
        stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return Look(self._directory / f"{key}.json", stamp, moment)

    def find(self, source: SourceFile, look: Look | None) -> HashedFile | None:
        """What a file was found to be when it looked as it does now."""
        if look is None or not self._is_ours():
            return None
        try:
            entry = _checked(look.entry.read_bytes())
            if entry is None or tuple(entry["stamp"]) != look.stamp:
                return None
            file = _hashed(source, entry)
            os.utime(look.entry)
        except (OSError, ValueError, KeyError, TypeError):
            return None  # not there, or not what this program wrote
        self._believed.append(look.entry)
        return file

    def remember(self, file: HashedFile, look: Look | None) -> None:
        """Keep what a file was found to be.

        Args:
            file: the file; who read it made sure that it did not change meanwhile.
            look: how it looked before it was read.
        """
        if look is None or not look.is_settled:
            return
        entry = {
            "stamp": look.stamp,
            "digest": file.digest,
            "chunking": file.chunking,
            "pieces": [[piece.digest, piece.size] for piece in file.pieces],
        }
        body = json.dumps(entry, separators=(",", ":")).encode()
        aside = look.entry.with_name(f".{uuid.uuid4().hex}")
        # A disk that is full, or a directory that is read-only, costs the next push some time and nothing else.
        with suppress(OSError):
            aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._is_ours():
                try:
                    aside.write_bytes(hashlib.sha256(body).hexdigest().encode() + body)
                    aside.rename(look.entry)
                finally:
                    aside.unlink(missing_ok=True)
                self._wrote = True

    def forget(self) -> None:
        """Believe nothing again that was believed: one of the files has turned out to be another."""
        for entry in self._believed:
            with suppress(OSError):
                entry.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Forget what was not used for the longest time, beyond what may be kept."""
        if not self._wrote or self._directory is None:
            return
        with suppress(OSError):
            found = [(path.stat(), path) for path in self._directory.iterdir()]
            files = size = 0
            for status, path in sorted(found, key=lambda item: -item[0].st_mtime_ns):
                files, size = files + 1, size + status.st_size
                if files > MOST_FILES or size > MOST_BYTES:
                    path.unlink(missing_ok=True)

    def _is_ours(self) -> bool:
        """Somebody else could tell us by what is in a directory of theirs what our files are."""
        assert self._directory is not None
        try:
            return self._directory.stat(follow_symlinks=False).st_uid == os.geteuid()
        except OSError:
            return False


def _checked(data: bytes) -> dict[str, Any] | None:
    """What an entry says, if it is whole."""
    digest, body = data[:_DIGEST_DIGITS], data[_DIGEST_DIGITS:]
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    entry: dict[str, Any] = json.loads(body)
    return entry


def _hashed(source: SourceFile, entry: dict[str, Any]) -> HashedFile:
    pieces = []
    position = 0
    for digest, size in entry["pieces"]:
        pieces.append(Piece(digest, position, size))
        position += size
    return HashedFile(source, entry["digest"], tuple(pieces), entry["chunking"])
