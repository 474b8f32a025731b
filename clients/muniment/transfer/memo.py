"""What files were found to be when they were hashed, so that a file that did not change is not read again.

A file counts as unchanged while device, inode, size, time of modification and time of change are what they were.
Nobody changes bytes and leaves all of these but a writer who maps the file into memory, or whose one call
overwrites it for longer than a file takes to settle, or who sets a clock back. A file that was touched a moment
before it was hashed is not remembered: in the same tick of the file system's clock, a later change would show none
(Git's problem of racy entries, https://git-scm.com/docs/racy-git).

Nothing that is sent rests on this: bytes are read again for that, and the registry hashes what it receives. What
rests on it is that a push names the files as they are, and not as they were when they were remembered.

::

    <cache>/pushed-2/
    └── <40 hex of a digest of what was pushed, and of how it is cut>.json

There is one file for all that is pushed together. It is written aside and renamed, is read by itself and believed
only with its own digest: processes need no lock, and whatever a crash leaves is something to hash again.
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

DIRECTORY = "pushed-2"
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

MOST_PUSHES = 4_096
MOST_BYTES = 256 * 1024 * 1024
MOST_BYTES_OF_ONE = 32 * 1024 * 1024
"""Of one push, about; what goes beyond is hashed again."""

SAVED_EVERY_BYTES = 4 * 1024**3
"""When so much was hashed it is noted, and not only at the end: a push may be killed."""

_DIGEST_DIGITS = 64
_FILE_COST, _PIECE_COST = 200, 90
"""About what a file takes, and each of its chunks beside."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a file looked at a moment.

    Attributes:
        stamp: device, inode, size, and the times of modification and of change in nanoseconds.
        moment_ns: the time then.
    """

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
    """Remembers what was pushed, in a directory of the user's; does nothing where that cannot be used."""

    def __init__(
        self, cache: Path | None, pushed: Path, cut: str, *, clock: Callable[[], int] = time.time_ns
    ) -> None:
        """Nothing is made or read yet.

        Args:
            cache: the directory of the user's cache, where files that were pulled are kept as well.
            pushed: the directory or file that is pushed.
            cut: what decides how files are cut, apart from their names and bytes.
            clock: tells the time in nanoseconds, as the file system does.
        """
        name = f"{os.path.realpath(pushed)}\0{cut}".encode("utf-8", "surrogateescape")
        key = hashlib.sha256(name).hexdigest()[:40]
        self._place = cache / DIRECTORY / f"{key}.json" if cache is not None else None
        self._clock = clock
        self._before: dict[str, Any] | None = None
        self._now: dict[str, Any] = {}
        self._size = 0
        self._unsaved_bytes = 0
        self._has_news = False

    def look(self, source: SourceFile) -> Look | None:
        """Look at a file before it is read; None if it is not one to remember."""
        if self._place is None or source.size < SMALLEST_BYTES:
            return None
        moment = self._clock()
        try:
            status = source.location.stat(follow_symlinks=False)
        except OSError:
            return None
        if Signature.of(status) != source.signature:
            return None
        stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return Look(stamp, moment)

    def find(self, source: SourceFile, look: Look | None) -> HashedFile | None:
        """What a file was found to be when it looked as it does now."""
        if look is None:
            return None
        if self._before is None:
            self._before = self._read()
        entry = self._before.get(source.path)
        try:
            if entry is None or tuple(entry["stamp"]) != look.stamp:
                return None
            file = _hashed(source, entry)
        except (ValueError, KeyError, TypeError):
            return None  # not what this program wrote
        self._keep(source.path, entry)
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
        if not self._keep(file.source.path, entry):
            return
        self._has_news = True
        self._unsaved_bytes += file.source.size
        if self._unsaved_bytes >= SAVED_EVERY_BYTES:
            self.save(is_all=False)

    def save(self, *, is_all: bool) -> None:
        """Keep what was found, and forget what was not used for the longest time.

        Args:
            is_all: whether every file was looked at; else those that were not are what they were before.
        """
        if self._place is None or not self._now:
            return
        if self._has_news:
            self._has_news, self._unsaved_bytes = False, 0
            self._write(self._now if is_all else {**(self._before or {}), **self._now})
            self._tidy()
        else:
            with suppress(OSError):
                os.utime(self._place)

    def forget(self) -> None:
        """Believe nothing again of this push: one of the files has turned out to be another."""
        self._before, self._now, self._size = {}, {}, 0
        if self._place is not None:
            with suppress(OSError):
                self._place.unlink(missing_ok=True)

    def _keep(self, path: str, entry: dict[str, Any]) -> bool:
        size = _FILE_COST + len(path) + _PIECE_COST * len(entry["pieces"])
        if self._size + size > MOST_BYTES_OF_ONE:
            return False
        self._size += size
        self._now[path] = entry
        return True

    def _read(self) -> dict[str, Any]:
        assert self._place is not None
        try:
            return _checked(self._place.read_bytes()) if self._is_ours(self._place.parent) else {}
        except (OSError, ValueError):
            return {}  # not there, or not what this program wrote

    def _write(self, entries: dict[str, Any]) -> None:
        assert self._place is not None
        body = json.dumps(entries, separators=(",", ":")).encode()
        directory = self._place.parent
        aside = directory / f".{uuid.uuid4().hex}"
        # A disk that is full, or a directory that is read-only, costs the next push some time and nothing else.
        with suppress(OSError):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._is_ours(directory):
                try:
                    aside.write_bytes(hashlib.sha256(body).hexdigest().encode() + body)
                    aside.rename(self._place)
                finally:
                    aside.unlink(missing_ok=True)

    def _tidy(self) -> None:
        assert self._place is not None
        with suppress(OSError):
            found = [(path.stat(), path) for path in self._place.parent.iterdir()]
            pushes = size = 0
            for status, path in sorted(found, key=lambda item: -item[0].st_mtime_ns):
                pushes, size = pushes + 1, size + status.st_size
                if pushes > MOST_PUSHES or size > MOST_BYTES:
                    path.unlink(missing_ok=True)

    @staticmethod
    def _is_ours(directory: Path) -> bool:
        """Somebody else could tell us by what is in a directory of theirs what our files are."""
        try:
            return directory.stat(follow_symlinks=False).st_uid == os.geteuid()
        except OSError:
            return False


def _checked(data: bytes) -> dict[str, Any]:
    """The entries by path, if they are whole.

    Raises:
        ValueError: if they are not.
    """
    digest, body = data[:_DIGEST_DIGITS], data[_DIGEST_DIGITS:]
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise ValueError("cut off, or changed")
    entries: dict[str, Any] = json.loads(body)
    return entries


def _hashed(source: SourceFile, entry: dict[str, Any]) -> HashedFile:
    pieces = []
    position = 0
    for digest, size in entry["pieces"]:
        pieces.append(Piece(digest, position, size))
        position += size
    return HashedFile(source, entry["digest"], tuple(pieces), entry["chunking"])
